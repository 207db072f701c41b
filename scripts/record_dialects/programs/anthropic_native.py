"""The anthropic SDK's own spans."""

import calls
import exporting

provider = exporting.install()
calls.anthropic(provider.force_flush)
