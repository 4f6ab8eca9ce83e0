"""Our server, but each request is scored alone and at once: what batching costs a client that is alone."""

import asyncio
from typing import Any

import churn.serving.app
from churn.serving.__main__ import main
from churn.serving.batcher import Batcher, Scored


class Unbatched(Batcher):
    """Scores without a queue."""

    def score(self, model: Any, rows: Any) -> asyncio.Future[Scored]:
        """The answers, in a future that is done."""
        answer: asyncio.Future[Scored] = asyncio.get_running_loop().create_future()
        coded = model.reader.matrix([rows])
        answers = model.scorer.answers_to_coded(coded)
        name = self.next_name()
        self.saw(model, coded, answers, name)
        answer.set_result(Scored(model.scorer.decide(answers), name.encode(), 0))
        return answer


churn.serving.app.Batcher = Unbatched  # type: ignore[misc]

if __name__ == "__main__":
    main()
