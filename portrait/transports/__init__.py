"""The two transports: urllib3 for blocking clients, aiohttp for asyncio. Each is imported only when it is used."""
