"""Service files: what an HTTP vendor takes and returns, and how it is asked, read out of YAML and checked."""

from chains.services.model import Service, ServiceEndpoint
from chains.services.reader import InvalidService, load_service, read_service

__all__ = ["InvalidService", "Service", "ServiceEndpoint", "load_service", "read_service"]
