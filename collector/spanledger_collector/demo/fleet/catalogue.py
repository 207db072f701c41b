"""The made-up company's services: what runs in the fleet, and whose history is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).with_name("scripts")
ENVIRONMENT = "production"


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its script in SCRIPTS, its version and its tags."""

    name: str
    version: str
    team: str
    feature: str

    @property
    def script(self) -> str:
        return self.name.replace("-", "_") + ".py"

    @property
    def key(self) -> str:
        """Its API key at the simulated providers."""
        return f"sk-demo-{self.name}"


SUPPORT_ASSISTANT = Service("support-assistant", "3.8.0", "support", "chat")
INVOICE_EXTRACTION = Service("invoice-extraction", "1.12.2", "finance", "invoices")
TICKET_TRIAGE = Service("ticket-triage", "0.9.4", "support", "triage")
POLICY_SEARCH = Service("policy-search", "2.1.0", "people", "search")
TRAVEL_AGENT = Service("travel-agent", "2.4.1", "operations", "travel")

SERVICES = (SUPPORT_ASSISTANT, INVOICE_EXTRACTION, TICKET_TRIAGE, POLICY_SEARCH, TRAVEL_AGENT)
REQUESTS_PER_MINUTE = {TICKET_TRIAGE.key: 60}  # small enough for a burst to run into it
