"""An https address whose certificate is not believed: what can be done about it is said."""

import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@pytest.fixture
def own(tmp_path):
    """A server with a certificate of its own making, for 127.0.0.1; its address and the certificate."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_that_is_not_believed_is_told_with_the_way_out(spacechain, own):
    """An app in a company's network has such a one; that it runs is not the question."""
    address, _ = own
    done = spacechain("inspect", address)

    assert done.code == 1
    assert "SSL_CERT_FILE=" in done.err


def test_a_certificate_that_is_named_is_believed(spacechain, own, monkeypatch):
    """The hint must help: the server is reached, and what is wrong then is that it is no app."""
    address, certificate = own
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    done = spacechain("inspect", address)

    assert "SSL_CERT_FILE" not in done.err
    assert "certificate" not in done.err.lower()
