"""What people read of a judgement: the comment, the job's summary and the model card, all from ``review.json`` alone."""
