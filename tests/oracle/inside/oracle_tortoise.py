"""For scenarios of Tortoise cases: models that are connected to the database of the run."""

import asyncio

import oracle_database
from tortoise import Tortoise


def connected(module, work):
    """What an asynchronous function gives while the models of a module are connected."""

    async def within():
        await Tortoise.init(db_url=f"sqlite://{oracle_database.path()}", modules={"models": [module]})
        try:
            return await work()
        finally:
            await Tortoise.close_connections()

    return asyncio.run(within())


def create_tables(module):
    connected(module, Tortoise.generate_schemas)
