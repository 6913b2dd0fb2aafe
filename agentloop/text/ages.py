"""How long ago something was, for people."""


def ago(seconds: float) -> str:
    """An age for people, in its largest unit: `now`, `5 min ago`, `3 h ago`, `2 d ago`."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {unit} ago"
    return "now"
