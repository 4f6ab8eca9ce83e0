"""Prints the headline metric of the project in this folder, and which of its metrics are better when lower. ``headline.py PACKAGE``"""

import importlib
import json
import sys

package = sys.argv[1]
params = importlib.import_module(f"{package}.params").load()
gate = importlib.import_module(f"{package}.gate")
print(json.dumps({"headline": params.review.headline, "lower_is_better": sorted(gate.LOWER_IS_BETTER & set(gate.METRICS[params.problem]))}))
