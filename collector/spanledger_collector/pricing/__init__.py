"""What calls cost: exact, dated, graded. Unknown is a grade with a reason, never zero."""

from spanledger_collector.pricing.book import Book, BookDescription
from spanledger_collector.pricing.documents import PriceFileError

__all__ = ["Book", "BookDescription", "PriceFileError"]
