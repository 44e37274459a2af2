"""What runs the jobs of a service: a Ray cluster, or processes of this machine."""
