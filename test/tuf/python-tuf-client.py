"""One update of stock python-tuf from a plain file server: prints "ok", or the name of the exception.

usage: python-tuf-client.py WORKDIR ROOT URL TARGET...   (WORKDIR keeps the client's metadata between runs)
"""

import os
import sys

from tuf.ngclient import Updater

workdir, root, url, *names = sys.argv[1:]
metadata, targets = os.path.join(workdir, "metadata"), os.path.join(workdir, "targets")
os.makedirs(metadata, exist_ok=True)
os.makedirs(targets, exist_ok=True)
try:
    with open(root, "rb") as file:
        bootstrap = file.read()
    updater = Updater(metadata, url + "/metadata/", targets, url + "/targets/", bootstrap=bootstrap)
    updater.refresh()
    for name in names:
        info = updater.get_targetinfo(name)
        if info is None:
            raise LookupError(name)
        updater.download_target(info)
    print("ok")
except Exception as error:  # the name is the answer, whatever it is
    print(type(error).__name__, error, sep=": ")
