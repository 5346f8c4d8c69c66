"""Twenty flags, all at once, in one thread: coroutines on an event loop."""

import asyncio

import httpx
from flags import CODES, TIMEOUT, main, url_of


async def get_flag(client, code):
    response = await client.get(url_of(code), follow_redirects=True)
    response.raise_for_status()
    return response.content


async def supervisor():
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        return await asyncio.gather(*(get_flag(client, code) for code in CODES))


def download_many():
    return asyncio.run(supervisor())


if __name__ == "__main__":
    main(download_many)
