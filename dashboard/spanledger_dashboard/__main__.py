"""`python -m spanledger_dashboard`: the same as `spanledger dashboard`."""

import sys

from spanledger_dashboard.command import main

sys.exit(main())
