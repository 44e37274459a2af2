"""STYLE: how the page looks, on wide windows and on narrow ones; no font and no script from elsewhere."""

STYLE = """
body{margin:0;background:#fff;color:#1a1a1a;font:16px/1.5 'Liberation Sans',Arial,Helvetica,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 20px 80px}
h1{font-size:1.7rem;line-height:1.25;margin:.4em 0}h2{font-size:1.2rem;margin:2em 0 .5em}
section{border-top:1px solid #e4e4e4;margin-top:2em}section h2{margin-top:1em}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;min-width:100%}
th,td{text-align:left;vertical-align:top;padding:6px 10px;border-bottom:1px solid #e4e4e4}
th{color:#595959;font-weight:600}td:not(:first-child){font-variant-numeric:tabular-nums}
.findings td:nth-child(2){min-width:240px}.findings td:nth-child(3){min-width:180px}
.findings td:nth-child(4){min-width:190px}small{display:block;color:#595959}
.verdict{display:inline-block;padding:1px 8px;border-radius:10px;font-weight:600;font-size:.82rem;color:#fff}
.same-direction{background:#00694b}.differs{background:#a34700}.not-comparable{background:#595959}
.not-there-yet{background:#fff;color:#595959;border:1px solid #a0a0a0}
figure{margin:1em 0}figure img{max-width:100%;height:auto;display:block;margin-bottom:8px}
details{margin:.6em 0}summary{cursor:pointer;color:#0a5a91}ul{padding-left:1.3em}li{overflow-wrap:anywhere}
@media(max-width:640px){main{padding:12px 14px 60px}h1{font-size:1.35rem}
.findings thead{display:none}
.findings,.findings tbody,.findings tr,.findings td{display:block;min-width:0!important}
.findings tr{border-bottom:1px solid #c9c9c9;padding:8px 0}.findings td{border:0;padding:2px 0}
.findings td:first-child{font-weight:600}}
"""
