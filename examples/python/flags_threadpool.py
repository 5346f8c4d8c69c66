"""Twenty flags, all at once, in a pool of threads."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
from flags import CODES, TIMEOUT, get_flag, main

MAX_WORKERS = 20


def download_many():
    with httpx.Client(timeout=TIMEOUT) as client, ThreadPoolExecutor(MAX_WORKERS) as executor:
        return list(executor.map(partial(get_flag, client), CODES))


if __name__ == "__main__":
    main(download_many)
