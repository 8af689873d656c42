"""A FastAPI application that onboards portraits; it knows nothing of an emulator."""

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from portrait import AsyncPortraitClient, PortraitError


@asynccontextmanager
async def lifespan(app):
    """One client for the life of the application."""
    async with AsyncPortraitClient.from_env() as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


class Host(BaseModel):
    """What is posted: a group and a picture's address."""

    group: str
    url: str


@app.post("/hosts")
async def add_host(host: Host) -> dict[str, str]:
    """An Active asset for a picture."""
    client = app.state.client
    try:
        group = await client.ensure_group(host.group)
        outcome = await client.ensure_asset(host.url, group_id=group.id)
    except PortraitError as error:
        raise HTTPException(502, str(error)) from error
    return {"uri": outcome.uri}
