"""The host names that lead to the local GitHub; every other name is refused."""

GIT_HOST = "github.com"
API_HOST = "api.github.com"
UPLOADS_HOST = "uploads.github.com"
RESULTS_HOST = "results-receiver.actions.githubusercontent.com"
ROUTED = (GIT_HOST, API_HOST, UPLOADS_HOST, RESULTS_HOST)

GIT_URL = f"https://{GIT_HOST}"
API_URL = f"https://{API_HOST}"
