"""TLS and mutual TLS on both OTLP listeners."""

from __future__ import annotations

import ssl

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from tests.support.certificates import Authority
from tests.support.otlp import body, chat_span, request

from spanledger_collector.tls import BadCertificate, Tls

PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    return authority.sign("server")


@pytest.fixture(scope="module")
def client(authority):
    return authority.sign("client")


def trusting(authority, client=None):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def post(to, context):
    with httpx.Client(verify=context, trust_env=False) as http:
        return http.post(f"{to.http}/v1/traces", content=body(chat_span()), headers=PROTOBUF).status_code


def export(to, authority, client=None):
    pair = (client.key.read_bytes(), client.certificate.read_bytes()) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes(), *pair)
    with grpc.secure_channel(to.grpc, credentials) as channel:
        TraceServiceStub(channel).Export(request(chat_span()), timeout=10)


def test_both_listeners_speak_tls(listen, authority, server):
    to = listen(tls=Tls(server.certificate, server.key))
    assert post(to, trusting(authority)) == 200
    export(to, authority)
    assert len(to.bodies()) == 2


def test_with_an_authority_only_its_clients_are_let_in(listen, authority, server, client):
    to = listen(tls=Tls(server.certificate, server.key, authority.certificate))
    assert post(to, trusting(authority, client)) == 200
    export(to, authority, client)
    with pytest.raises(httpx.TransportError):
        post(to, trusting(authority))
    with pytest.raises(grpc.RpcError):
        export(to, authority)
    assert len(to.bodies()) == 2


def test_a_key_of_another_certificate_is_named_before_anything_starts(server, client):
    with pytest.raises(BadCertificate, match=r"server\.pem.*client\.key.*--tls-cert"):
        Tls(server.certificate, client.key).check()
