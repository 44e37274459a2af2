"""Sites of a checkpoint: which there are, and which a study asks for."""

from collections.abc import Sequence

from actstore.capture.families import family_of
from actstore.errors import ModelError, NotYetError
from actstore.schema.refs import CheckpointRef, layer_site, site_layer


def choose_sites(sites: str | Sequence[str], ref: CheckpointRef) -> tuple[str, ...]:
    """The sites asked for, in the order of the model.

    'all' is the embeddings and every layer's output, 'last' the last layer's alone.

    Raises ModelError for a site that the checkpoint has not, NotYetError for `pooled`, RequestError for a
    word that is no site.
    """
    layers = tuple(layer_site(layer) for layer in range(ref.n_layers + 1))
    if sites == "all":
        return layers
    if sites == "last":
        return layers[-1:]
    if isinstance(sites, str):
        raise ModelError(f'sites = {sites!r}: allowed are "all" or a list like ["L00", "{layers[-1]}"]')
    if not sites:
        raise ModelError(f'sites = []: name at least one of L00 to {layers[-1]}, or write "all"')
    check_sites(sites, ref.n_layers, ref.family)
    return tuple(sorted(set(sites), key=_place))


def check_sites(sites: Sequence[str], n_layers: int, model_type: str) -> None:
    """Raises ModelError or NotYetError for a site that a model of that many layers does not give."""
    family = family_of(model_type)
    for site in sites:
        layer = site_layer(site)
        if site == "pooled":
            raise NotYetError(
                "site 'pooled' is not built yet; take L00 and the layers, and pool them as you read"
            )
        if site == "final" and (family is None or family.final_norm is None):
            raise ModelError(
                f"site 'final': family {model_type!r} has no known final norm; take {layer_site(n_layers)}, "
                "the last layer's output"
            )
        if layer is not None and (layer > n_layers or ("." in site and layer == 0)):
            raise ModelError(
                f"site {site!r}: the checkpoint has {n_layers} layers; allowed are L00 (embeddings) to "
                f"{layer_site(n_layers)}, and L01.attn, L01.mlp and so on"
            )
        if "." in site and family is None:
            raise ModelError(
                f"site {site!r}: family {model_type!r} is not listed, take whole layers like L01"
            )


def _place(site: str) -> tuple[int, int, str]:
    layer = site_layer(site)
    return (1, 0, site) if layer is None else (0, layer, site)
