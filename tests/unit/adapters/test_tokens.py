"""Access tokens against the corpus of forgeries (RFC 8725), and the secrets of refresh tokens and API keys."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

import adapters.tokens
from adapters.keyring import FileKeyRing, FixedKeyRing, new_ring_text
from adapters.signatures import sign_statement
from adapters.tokens import (
    AccessTokens,
    api_key_prefix,
    hash_secret,
    new_api_key,
    new_refresh_token,
    refresh_token_hash,
    secret_matches,
)
from domain.access import ALL_SCOPES, Principal, PrincipalKind
from domain.errors import Unauthenticated
from kit.time import FixedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT, USER, SESSION = (UUID(int=number) for number in (1, 2, 3))
ISSUER, AUDIENCE = "https://campaign.example", "campaign-express"
OVERLAP_SECONDS = 1_000


def b64(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    header, payload, signature = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload)), signature


@pytest.fixture
def clock():
    return FixedClock(START)


@pytest.fixture
def ring(tmp_path, clock):
    return FileKeyRing(tmp_path / "jwt.json", clock, OVERLAP_SECONDS)


@pytest.fixture
def tokens(ring, clock):
    return AccessTokens(ring, ISSUER, AUDIENCE, clock)


def issue(tokens, scopes=ALL_SCOPES):
    return tokens.issue(
        tenant_id=TENANT, user_id=USER, session_id=SESSION, roles={"reviewer", "campaign_manager"}, scopes=scopes
    )


def refused(tokens, token, message="the access token is not valid"):
    with pytest.raises(Unauthenticated) as refusal:
        tokens.verify(token)
    assert str(refusal.value) == message
    return refusal.value


@pytest.mark.req("FR-PLT-004")
def test_a_token_carries_tenant_roles_scopes_and_expiry(tokens, ring):
    issued = issue(tokens, scopes={"campaign:write", "campaign:read"})
    header, claims, _ = parts(issued.text)
    assert header == {"typ": "at+jwt", "alg": "Ed25519", "kid": ring.signing_key().kid}
    assert UUID(claims.pop("jti")).version == 7
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(USER),
        "sid": str(SESSION),
        "tenant_id": str(TENANT),
        "roles": ["campaign_manager", "reviewer"],
        "scopes": ["campaign:read", "campaign:write"],
        "iat": 1772366400,
        "exp": 1772366400 + 900,
    }
    assert issued.expires_at_utc == START + timedelta(seconds=900)


@pytest.mark.req("FR-PLT-004")
def test_a_token_says_who_asks_and_until_when(tokens):
    assert tokens.verify(issue(tokens, scopes={"cdp:read"}).text) == Principal(
        kind=PrincipalKind.USER,
        tenant_id=TENANT,
        subject_id=USER,
        credential_id=SESSION,
        scopes=frozenset({"cdp:read"}),
        expires_at_utc=START + timedelta(seconds=900),
    )


def test_no_two_tokens_are_the_same(tokens):
    assert issue(tokens).text != issue(tokens).text


def test_a_token_ends_with_its_life_and_the_leeway(tokens, clock):
    token = issue(tokens).text
    clock.advance(timedelta(seconds=904))
    assert tokens.verify(token).has_expired(clock.now_utc())
    clock.advance(timedelta(seconds=1))
    refused(tokens, token, "the access token has expired")


def test_a_token_from_a_clock_ahead_counts_within_the_leeway(tokens, clock):
    token = issue(tokens).text
    clock.advance(timedelta(seconds=-5))
    assert tokens.verify(token).subject_id == USER
    clock.advance(timedelta(seconds=-1))
    refused(tokens, token)


def test_valid_tokens_pass_through_rotation_and_rotated_out_ones_do_not(tokens, ring, clock):
    ring.signing_key()
    clock.advance(timedelta(days=90))
    before = issue(tokens).text
    ring.rotate()
    after = issue(tokens).text
    assert parts(before)[0]["kid"] != parts(after)[0]["kid"]
    clock.advance(timedelta(seconds=899))
    assert tokens.verify(before) == tokens.verify(after)

    # A token of a long life shows the rotation alone: it has not expired, its key has.
    long_lived = issue(AccessTokens(ring, ISSUER, AUDIENCE, clock, ttl_seconds=100_000)).text
    ring.rotate()
    clock.advance(timedelta(seconds=OVERLAP_SECONDS - 1))
    assert tokens.verify(long_lived).subject_id == USER
    clock.advance(timedelta(seconds=1))
    refused(tokens, long_lived)
    ring.rotate()
    refused(tokens, long_lived)


def forged_none(token, ring, alg):
    header, claims, _ = parts(token)
    return [f"{b64({**header, 'alg': alg})}.{b64(claims)}.{end}" for end in ("", parts(token)[2])]


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None])
def test_unsigned_tokens_are_refused(tokens, ring, alg):
    for token in forged_none(issue(tokens).text, ring, alg):
        refused(tokens, token)


def public_key_bytes(ring):
    public = ring.signing_key().key.public_key
    return [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).encode(),
        b"",
    ]


@pytest.mark.parametrize(("alg", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
def test_an_hmac_keyed_with_the_public_key_is_refused(tokens, ring, alg, digest):
    header, claims, _ = parts(issue(tokens).text)
    for secret in public_key_bytes(ring):
        for claimed in (alg, "Ed25519"):
            signed = f"{b64({**header, 'alg': claimed})}.{b64(claims)}"
            refused(tokens, f"{signed}.{b64(hmac.digest(secret, signed.encode(), digest))}")


def test_an_rsa_signature_of_the_forgers_own_key_is_refused(tokens):
    header, claims, _ = parts(issue(tokens).text)
    forger = rsa.generate_private_key(65537, 2048)
    for claimed in ("RS256", "Ed25519"):
        signed = f"{b64({**header, 'alg': claimed})}.{b64(claims)}"
        refused(tokens, f"{signed}.{b64(forger.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}")


def ed25519_token(header, claims, key):
    signed = f"{b64(header)}.{b64(claims)}"
    return f"{signed}.{b64(key.sign(signed.encode()))}"


def header_forgeries(header):
    forger = Ed25519PrivateKey.generate()
    public = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(forger.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }
    return forger, {
        "right header, wrong key": header,
        "own key in the header": {**header, "jwk": public},
        "own key in the header alone": {"typ": header["typ"], "alg": header["alg"], "jwk": public},
        "address of a key set": {**header, "jku": "https://evil.example/keys"},
        "address of a certificate": {**header, "x5u": "https://evil.example/cert"},
        "no key id": {"typ": header["typ"], "alg": header["alg"]},
        "empty key id": {**header, "kid": ""},
        "null key id": {**header, "kid": None},
        "unknown key id": {**header, "kid": "nobody"},
        "path as key id": {**header, "kid": "../../../../dev/null"},
        "query as key id": {**header, "kid": "x' UNION SELECT 'secret"},
        "list as key id": {**header, "kid": [header["kid"]]},
    }


def test_keys_that_the_token_brings_or_names_itself_are_refused(tokens):
    header, claims, _ = parts(issue(tokens).text)
    forger, forgeries = header_forgeries(header)
    for forged in forgeries.values():
        refused(tokens, ed25519_token(forged, claims, forger))


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"},
        {"typ": "AT+JWT"},
        {"typ": "application/at+jwt"},
        {"typ": "log-anchor+jws"},
        {"typ": None},
        {"alg": "EdDSA"},
        {"alg": "Ed448"},
        {"alg": "ed25519"},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"cty": "JWT"},
    ],
)
def test_a_header_other_than_ours_is_refused_even_under_a_good_signature(tokens, ring, change):
    header, claims, _ = parts(issue(tokens).text)
    key = ring.signing_key().key.private_key
    assert tokens.verify(ed25519_token(header, claims, key)).subject_id == USER
    refused(tokens, ed25519_token({**header, **change}, claims, key))


def test_a_good_header_is_needed_whole(tokens, ring):
    header, claims, _ = parts(issue(tokens).text)
    key = ring.signing_key().key.private_key
    for missing in header:
        refused(tokens, ed25519_token({k: v for k, v in header.items() if k != missing}, claims, key))


NOW = int(START.timestamp())


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another-service"},
        {"aud": "Campaign-Express"},
        {"aud": [AUDIENCE, "another-service"]},
        {"aud": ""},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": [ISSUER]},
        {"iss": None},
        {"exp": None},
        {"exp": str(NOW + 900)},
        {"exp": 1e300},
        {"exp": True},
        {"iat": None},
        {"iat": NOW + 3_600},
        {"nbf": NOW + 3_600},
        {"nbf": "soon"},
        {"sub": "ana@demo.test"},
        {"sub": None},
        {"sid": None},
        {"tenant_id": None},
        {"tenant_id": "*"},
        {"scopes": "campaign:read"},
        {"scopes": None},
        {"roles": None},
        {"jti": None},
    ],
)
def test_claims_other_than_ours_are_refused_even_under_a_good_signature(tokens, ring, change):
    header, claims, _ = parts(issue(tokens).text)
    key = ring.signing_key().key.private_key
    refused(tokens, ed25519_token(header, {**claims, **change}, key))
    (name,) = change
    if change[name] is None:
        refused(tokens, ed25519_token(header, {k: v for k, v in claims.items() if k != name}, key))


@pytest.mark.parametrize("exp", [NOW - 5, NOW - 3_600, 0, -1])
def test_an_end_in_the_past_is_refused(tokens, ring, exp):
    header, claims, _ = parts(issue(tokens).text)
    forged = ed25519_token(header, {**claims, "exp": exp}, ring.signing_key().key.private_key)
    refused(tokens, forged, "the access token has expired")


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"7", b'"text"', b"{", b"\xff", b"[" * 3_000])
def test_a_signed_payload_that_is_no_set_of_claims_is_refused(tokens, ring, payload):
    refused(tokens, sign_statement(ring, "at+jwt", payload))


def test_a_token_of_another_installation_with_the_same_names_is_refused(tokens, clock):
    stranger = FixedKeyRing(new_ring_text(START), clock, None)
    refused(tokens, issue(AccessTokens(stranger, ISSUER, AUDIENCE, clock)).text)


def test_every_changed_character_is_found(tokens):
    token = issue(tokens).text
    for place, character in enumerate(token):
        refused(tokens, token[:place] + ("A" if character != "A" else "B") + token[place + 1 :])


def test_another_spelling_of_the_same_bytes_is_refused(tokens):
    token = issue(tokens).text
    header, payload, signature = token.split(".")
    for other in (
        f"{token}=",
        f"{token}==",
        f"{token}\n",
        f" {token}",
        f"{header}.{payload}.{signature}.",
        f"{header}.{payload}..{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f".{payload}.{signature}",
        f"{header}..{signature}",
        f"Bearer {token}",
        token + "A" * 9_000,
    ):
        refused(tokens, other)


class ReplacedRing:
    """A ring whose keys can be replaced by others."""

    def __init__(self, text, clock):
        self.ring = FixedKeyRing(text, clock, None)

    def signing_key(self):
        return self.ring.signing_key()

    def verifying_key(self, kid):
        return self.ring.verifying_key(kid)


def test_a_remembered_token_is_refused_once_its_key_is_gone_or_another_one(clock):
    text = new_ring_text(START)
    ring = ReplacedRing(text, clock)
    tokens = AccessTokens(ring, ISSUER, AUDIENCE, clock)
    token = issue(tokens).text
    assert tokens.verify(token) is tokens.verify(token)
    kept = ring.ring
    ring.ring = FixedKeyRing(new_ring_text(START), clock, None)
    refused(tokens, token)
    refused(tokens, token)
    ring.ring = kept
    assert tokens.verify(token).subject_id == USER
    # Another key under the same id: the signature is looked at again, and does not hold.
    (known,), (other,) = (json.loads(each)["keys"] for each in (text, new_ring_text(START)))
    ring.ring = FixedKeyRing(json.dumps({"keys": [{**other, "kid": known["kid"]}]}), clock, None)
    refused(tokens, token)


def test_a_remembered_token_is_refused_once_the_file_of_keys_is_removed(tokens, tmp_path):
    token = issue(tokens).text
    tokens.verify(token)
    (tmp_path / "jwt.json").unlink()
    refused(tokens, token)


def test_a_remembered_token_gives_its_neighbours_nothing(tokens):
    token = issue(tokens).text
    tokens.verify(token)
    for other in (f"{token}=", f"{token} ", token[:-1], token.swapcase()):
        refused(tokens, other)


def test_only_so_many_tokens_are_remembered_and_those_forgotten_still_count(tokens, monkeypatch):
    monkeypatch.setattr(adapters.tokens, "REMEMBERED_TOKENS", 3)
    texts = [issue(tokens).text for _ in range(5)]
    for _ in range(2):
        for text in texts:
            assert tokens.verify(text).subject_id == USER
    assert list(tokens._opened) == texts[2:]


def test_what_is_refused_is_not_remembered(tokens):
    token = issue(tokens).text
    for _ in range(2):
        refused(tokens, token[:-4] + "AAAA")
    assert tokens._opened == {}


def test_swapped_signatures_are_refused(tokens):
    one, other = issue(tokens).text, issue(tokens).text
    refused(tokens, f"{one.rpartition('.')[0]}.{other.rpartition('.')[2]}")


def test_an_encrypted_token_is_refused(tokens):
    refused(tokens, ".".join([b64({"alg": "dir", "enc": "A256GCM"}), "", b64(b"iv"), b64(b"text"), b64(b"tag")]))


RING = FixedKeyRing(new_ring_text(START), FixedClock(START), None)
TOKENS = AccessTokens(RING, ISSUER, AUDIENCE, FixedClock(START))


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,90}", fullmatch=True))
def test_no_text_is_ever_more_than_refused(text):
    refused(TOKENS, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_no_json_in_header_or_payload_is_ever_more_than_refused(header, payload):
    refused(TOKENS, f"{b64(header)}.{b64(payload)}.{b64(bytes(64))}")
    refused(TOKENS, sign_statement(RING, "at+jwt", json.dumps(payload).encode()))


def test_refresh_tokens_and_api_keys_are_random_and_stored_as_hashes():
    refresh, key = new_refresh_token(), new_api_key()
    assert re.fullmatch(r"cr_[0-9a-f]{64}", refresh.text)
    assert refresh.hash == hashlib.sha256(refresh.text.encode()).hexdigest()
    assert key.text.startswith(f"ce_{key.prefix}_")
    assert re.fullmatch(r"ce_[0-9a-f]{12}_[0-9a-f]{64}", key.text)
    assert key.hash == hashlib.sha256(key.text.encode()).hexdigest()
    assert len({new_refresh_token().text for _ in range(100)} | {new_api_key().text for _ in range(100)}) == 200


def test_a_presented_secret_is_found_and_compared():
    refresh, key = new_refresh_token(), new_api_key()
    assert refresh_token_hash(refresh.text) == refresh.hash
    assert api_key_prefix(key.text) == key.prefix
    assert secret_matches(key.text, key.hash)
    assert not secret_matches(new_api_key().text, key.hash)
    assert hash_secret("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "text", ["", "ce_", "ce_xyz_abc", "cr_" + "0" * 63, "cr_" + "0" * 64 + "\n", f"ce_{'0' * 12}_{'0' * 64}\n", "é"]
)
def test_what_has_not_the_form_of_a_secret_is_refused_before_any_look_up(text):
    with pytest.raises(Unauthenticated, match="the refresh token is not valid"):
        refresh_token_hash(text)
    with pytest.raises(Unauthenticated, match="the API key is not valid"):
        api_key_prefix(text)
