"""The page as a Space of the Hub.

Variables of the Space: IEPILE_MODEL, the model that answers (what `iepile push model runs/quickstart user/name` put
on the Hub), and IEPILE_ADAPTER, an adapter on top of it. Without them the page makes instructions, scores files and
browses the embedded sample.
"""

import os

if __name__ == "__main__":
    from iepile.app import PageOptions, serve

    serve(PageOptions(os.environ.get("IEPILE_MODEL") or None, os.environ.get("IEPILE_ADAPTER") or None, host=None))
