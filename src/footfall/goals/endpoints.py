"""Routes about goals: `/api/v1/goals` for servers, and `/api/v1/admin/websites/{id}/goals` for managing a website."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any

from footfall.auth.principal import WebsitePrincipal
from footfall.clock import DAY_MS
from footfall.collect.goals import Deleted, Doomed, GoalPosition, ServerGoal, delete_goals, tracked_goals
from footfall.collect.model import GoalData
from footfall.db.protocol import Database, Transaction
from footfall.errors import ApiError, BadRequest, NotFound
from footfall.goals.model import Goal
from footfall.goals.service import GOAL_HANDLER, GoalCall, key_hash
from footfall.goals.store import change_look, last_visitors, read_looks, remove_look
from footfall.goals.wire import (
    colors_json,
    deleted_json,
    look_json,
    read_deletion,
    read_goal,
    read_goal_name,
    read_look,
    tracked_json,
)
from footfall.web.batch import BatchReader, Charge, Item, failed, submit_all
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.json import decode_object, encode
from footfall.websites.model import Website

Call = Context[WebsitePrincipal]

_NOTHING_SAID = GoalData()


class Goals:
    """The handlers, on one database. `new_event_id` creates the id of an event at a time; `charge` counts calls against the rate limit."""

    def __init__(self, database: Database, new_event_id: Callable[[int], bytes], charge: Charge) -> None:
        self._database = database
        self._new_event_id = new_event_id
        self._charge = charge
        self._batches = itertools.count()
        """Numbers for incoming batches."""
        self._reader = BatchReader(read_goal, "goals")

    async def create(self, context: Call) -> Response:
        """A visitor reached a goal. Answers 200 once it is on disk."""
        goal = read_goal(decode_object(context.body))
        (placed,) = await self._place(context, [goal])
        if isinstance(placed, ApiError):
            raise placed
        return success([_created(await self._database.write(GOAL_HANDLER, placed))])

    async def batch(self, context: Call) -> Response:
        """Many goals in one body, each answered in order with its own status."""
        goals = await self._reader.read(context)
        if len(goals) > 1:
            credential_id = context.principal.caller.credential_id
            context.limits[:] = self._charge(credential_id, context.now, len(goals) - 1)
        placed, bulk = await self._place(context, goals), next(self._batches)
        waiting = await submit_all(placed, lambda call: self._database.write(GOAL_HANDLER, call, bulk=bulk))
        return success([await _finish(outcome) for outcome in waiting])

    async def _place(self, context: Call, goals: Sequence[Goal | ApiError]) -> list[GoalCall | ApiError]:
        """Each goal with its visitor and its time, or why it has none."""
        website = context.principal.website
        asked = {
            (one.user_id, context.now if one.at is None else one.at): None
            for one in goals
            if isinstance(one, Goal) and one.user_id is not None
        }
        found = {}
        if asked:
            people = await self._database.scan(
                last_visitors, (website, list(asked)), share=website.website_id
            )
            found = dict(zip(asked, people, strict=True))
        return [one if isinstance(one, ApiError) else self._call(context, one, found) for one in goals]

    def _call(
        self, context: Call, goal: Goal, found: dict[tuple[str, int], bytes | None]
    ) -> GoalCall | ApiError:
        website, at = context.principal.website, context.now if goal.at is None else goal.at
        if at > context.now + DAY_MS:
            return BadRequest("at is more than a day ahead of this server's clock.")
        visitor_id = goal.visitor_id or found.get((goal.user_id or "", at))
        if visitor_id is None:
            return NotFound("user_id: no visitor was this person then, or the first pageview has not come.")
        data = None if goal.data == _NOTHING_SAID else encode(goal.data).decode()
        stored = ServerGoal(website.website_id, visitor_id, self._new_event_id(at), goal.name, data)
        key = goal.idempotency_key
        return GoalCall(stored, None if key is None else key_hash(website.profile_secret, key))

    async def delete(self, context: Call) -> Response:
        """Deletes the goals of a visitor, with a name, in a period, or any combination of these."""
        asked = read_deletion(context.query(), context.principal.website.website_id)
        count = await self._delete(asked.doomed)
        if not count:
            raise NotFound("No goals match: nothing was deleted.")
        return success([deleted_json(asked, count)])

    async def _delete(self, doomed: Doomed) -> int:
        """How many were deleted, in slices that hold up nobody."""
        count, place = 0, None
        while True:
            started = perf_counter()
            done = await self._database.change(_slice(doomed, place))
            count, place = count + done.count, done.following
            if place is None:
                return count
            await asyncio.sleep(perf_counter() - started)

    async def tracked(self, context: Call) -> Response:
        """The goals that visitors reached, with their counts."""
        website = context.principal.website
        return await self._database.scan(_answer_tracked, website, share=website.website_id)

    async def looks(self, context: Call) -> Response:
        """How goals are shown, and the colours to choose from."""
        website = context.principal.website
        return await self._database.scan(_answer_looks, website, share=website.website_id)

    async def change_look(self, context: Call) -> Response:
        """Changes how a goal is shown."""
        website_id, change = context.principal.website.website_id, read_look(decode_object(context.body))
        look = await self._database.change(lambda tx: change_look(tx, website_id, change, context.now))
        return success([look_json(look)])

    async def remove_look(self, context: Call) -> Response:
        """Resets how a goal is shown."""
        website_id = context.principal.website.website_id
        name = read_goal_name(context.query().get("goalName"), "goalName")
        if not await self._database.change(lambda tx: remove_look(tx, website_id, name)):
            raise NotFound("goalName: this goal has no customization.")
        return success([{"message": "Goal customization deleted successfully", "goalName": name}])


def _slice(doomed: Doomed, place: GoalPosition | None) -> Callable[[Transaction], Deleted]:
    return lambda tx: delete_goals(tx, doomed, place)


def _created(outcome: bytes | ApiError) -> dict[str, str]:
    """The answer to a goal. Raises its ApiError, if it is one."""
    if isinstance(outcome, ApiError):
        raise outcome
    return {"message": "Custom event created successfully", "eventId": outcome.hex()}


async def _finish(outcome: Awaitable[Any] | ApiError) -> Item:
    """The answer to one goal of a batch."""
    try:
        return Item(200, data=_created(outcome if isinstance(outcome, ApiError) else await outcome))
    except ApiError as error:
        return failed(error)


def _answer_tracked(tx: Transaction, website: Website) -> Response:
    goals, visitors = tracked_goals(tx, website.website_id)
    return success([tracked_json(goal, visitors) for goal in goals])


def _answer_looks(tx: Transaction, website: Website) -> Response:
    looks = [look_json(look) for look in read_looks(tx, website.website_id)]
    return success(looks, colors=colors_json())
