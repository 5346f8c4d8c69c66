"""Twenty flags, one after the other."""

import sys
from time import perf_counter

import httpx

CODES = "BD BR CD CN DE EG ET FR ID IN IR JP MX NG PH PK RU TR US VN".split()
TIMEOUT = 6.1


def url_of(code):
    """Below the address that is the program's argument."""
    return f"{sys.argv[1]}/{code}/{code}.gif".lower()


def get_flag(client, code):
    response = client.get(url_of(code), follow_redirects=True)
    response.raise_for_status()
    return response.content


def download_many():
    with httpx.Client(timeout=TIMEOUT) as client:
        return [get_flag(client, code) for code in CODES]


def main(download):
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} ADDRESS", file=sys.stderr)
        raise SystemExit(2)
    start = perf_counter()
    flags = download()
    print(f"{len(flags)} flags of {sum(map(len, flags))} bytes. Time : {perf_counter() - start:.6f}s")


if __name__ == "__main__":
    main(download_many)
