"""The connection goes to an address, the certificate has to be the name's."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from factories.pages import serving
from procur.net.client import GuardedClient
from procur.net.errors import Refused
from procur.net.settings import NetSettings


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of shop.example and its key in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_the_certificate_has_to_be_the_names_although_an_address_is_called(certificate):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    asked_for = []
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with serving(server) as pages:
        pages.put("/", "safe")
        places = [f"{host}.example:{pages.port}" for host in ("shop", "other")]
        client = GuardedClient(
            NetSettings(allow=",".join(places), total_timeout=5),
            resolver=lambda *_: ["127.0.0.1"],
            ssl_context=ssl.create_default_context(cafile=certificate),
        )
        assert client.get(f"https://{places[0]}/").text == "safe"
        assert asked_for == ["shop.example"]
        with pytest.raises(Refused, match="certificate"):
            client.get(f"https://{places[1]}/")
        with pytest.raises(Refused, match="certificate"):
            GuardedClient(client.settings, resolver=client.resolver).get(f"https://{places[0]}/")
        assert len(pages.asked) == 1
