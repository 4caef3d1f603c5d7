"""The preview's server: nobody but the user's own browser gets anything from it, and the run never waits for it."""

import http.client
import io
import json
import threading
import time

import pytest
import torch
from PIL import Image

from nstkit.cli import preview_state, session
from nstkit.cli.preview import PreviewServer
from nstkit.cli.preview_state import PreviewState
from nstkit.images import load_image
from nstkit.transfer import Step
from nstkit.transfer.loss_history import Reading


def step(done, image=pytest.fail, total=9):
    return Step(1, 1, done, total, done, total, (20, 30), {}, image, pytest.fail)


def reading(done, **losses):
    return Reading(done, 9, 1, 1, (20, 30), 0.0, losses)


@pytest.fixture
def stops():
    """One entry for each time the stop button was pressed."""
    return []


@pytest.fixture
def server(stops):
    served = PreviewServer(PreviewState("photo → out"), lambda: stops.append(1))
    yield served
    served.shutdown()
    served.server_close()


def ask(server, name="", method="GET", token=None, host=None, **headers):
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    path = f"/{server.token if token is None else token}/{name}"
    try:
        connection.request(
            method, path, headers={"Host": host or f"127.0.0.1:{server.server_port}"} | headers
        )
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_it_listens_on_loopback_alone(server):
    assert server.socket.getsockname() == ("127.0.0.1", server.server_port)
    assert server.url == f"http://127.0.0.1:{server.server_port}/{server.token}/"
    assert len(server.token) >= 32


def test_each_server_has_its_own_token(server):
    other = PreviewServer(PreviewState(""), pytest.fail)
    try:
        assert other.token != server.token
        assert ask(other, token=server.token)[0] == 403
    finally:
        other.close()


@pytest.mark.parametrize("name", ["", "state", "picture.jpg", "nothing"])
@pytest.mark.parametrize("token", ["", "guess", "%C3%A9", "../"])
def test_without_the_token_there_is_nothing(server, name, token):
    status, _, body = ask(server, name, token=token)
    assert (status, body) == (403, b"open the address that nstkit printed\n")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:80", "0.0.0.0"])
@pytest.mark.parametrize(("name", "method"), [("", "GET"), ("state", "GET"), ("stop", "POST")])
def test_a_foreign_host_is_refused(server, stops, host, name, method):
    assert ask(server, name, method, host=host)[0] == 403
    assert not stops


def test_localhost_is_ours_too(server):
    assert ask(server, host=f"localhost:{server.server_port}")[0] == 200


def test_only_a_post_with_the_token_from_our_page_stops(server, stops):
    assert ask(server, "stop")[0] == 404
    assert ask(server, "stop", "POST", token="guess")[0] == 403
    assert ask(server, "stop", "POST", Origin="http://evil.example")[0] == 403
    assert ask(server, "other", "POST")[0] == 404
    assert not stops
    assert ask(server, "stop", "POST", Origin=server.url[: server.url.index("/", 7)])[0] == 202
    assert stops == [1]
    assert json.loads(ask(server, "state")[2])["state"] == "stopping"


def test_the_page_loads_nothing_from_elsewhere(server):
    status, headers, body = ask(server)
    page = body.decode()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    nonce = policy.split("script-src 'nonce-")[1].split("'")[0]
    assert f'<script nonce="{nonce}">' in page
    assert "NONCE" not in page
    assert "src=" not in page.replace('id="picture"', "")
    assert "https://" not in page
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert nonce not in ask(server)[2].decode()


def test_the_state_tells_only_what_is_new_and_is_strict_json(server):
    server.state.after(step(2), [reading(1, total=3.0), reading(2, total=float("nan"))])
    status, headers, body = ask(server, "state?since=1")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    news = json.loads(body, parse_constant=pytest.fail)
    assert (news["state"], news["done"], news["total"], news["width"]) == ("running", 2, 9, 30)
    assert news["points"] == [{"done": 2, "scale": 1, "size": "30 × 20", "losses": {"total": None}}]
    for since in ("", "0", "-3", "x", "%C2%B2"):
        assert len(json.loads(ask(server, f"state?since={since}")[2])["points"]) == 2


def test_without_a_page_no_picture_is_made(server):
    for done in range(1, 5):
        server.state.after(step(done), [])  # its image would fail
    assert json.loads(ask(server, "state")[2])["picture"] == 0


def test_a_picture_is_made_when_asked_and_at_most_twice_a_second(server, monkeypatch):
    made, answers = [], []

    def image():
        made.append(time.monotonic())
        return torch.full((2, 3, 20, 30), 0.5)

    asking = threading.Thread(target=lambda: answers.append(ask(server, "picture.jpg?after=0")))
    asking.start()
    while not server.state._wanted:
        time.sleep(0.01)
    server.state.after(step(1, image), [])
    asking.join()
    status, headers, body = answers[0]
    assert (status, headers["Content-Type"], headers["X-Picture"]) == (200, "image/jpeg", "1")
    picture = Image.open(io.BytesIO(body))
    assert (picture.format, picture.size) == ("JPEG", (30, 20))
    assert picture.getpixel((15, 10)) == (128, 128, 128)
    monkeypatch.setattr(server.state, "_wanted", True)
    server.state.after(step(2, image), [])
    assert len(made) == 1
    monkeypatch.setattr(server.state, "_fetched", time.monotonic() - 0.6)
    server.state.after(step(3, image), [])
    assert len(made) == 2


def test_a_large_picture_is_shrunk_for_the_page(server):
    server.state.end("finished", "", torch.rand(1, 3, 40, 2048))
    assert Image.open(io.BytesIO(ask(server, "picture.jpg")[2])).size == (1024, 20)


def test_where_there_is_no_newer_picture_the_answer_is_empty(server):
    server.state.end("finished", "done")
    assert ask(server, "picture.jpg")[::2] == (204, b"")


def test_closing_waits_for_an_open_page_and_for_no_other():
    state = PreviewState("")
    server = PreviewServer(state, pytest.fail)
    ask(server, "state")
    state.end("finished", "wrote it", torch.rand(1, 3, 20, 30))
    closing = threading.Thread(target=server.close)
    closing.start()
    news = json.loads(ask(server, "state")[2])
    assert (news["state"], news["note"], news["picture"]) == ("finished", "wrote it", 1)
    assert closing.is_alive()
    assert ask(server, "picture.jpg")[0] == 200
    closing.join(preview_state.PATIENCE / 2)
    assert not closing.is_alive()
    unseen = PreviewServer(PreviewState(""), pytest.fail)
    started = time.monotonic()
    unseen.close()
    assert time.monotonic() - started < preview_state.PATIENCE / 2


def test_a_port_that_is_taken_or_impossible_is_named(server):
    with pytest.raises(
        ValueError, match=f"--preview-port: port {server.server_port} cannot be used .*; leave it out"
    ):
        PreviewServer(PreviewState(""), pytest.fail, server.server_port)
    with pytest.raises(ValueError, match="--preview-port: expected 0 to 65535, got 65536"):
        PreviewServer(PreviewState(""), pytest.fail, 65536)


# -- nstkit transfer --preview ------------------------------------------------------------------

SHORT = ("--size", 64, "--steps", 4, "--encoder", "tiny")


@pytest.fixture
def served(monkeypatch):
    """The servers that runs started."""
    servers = []

    class Kept(PreviewServer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            servers.append(self)

    monkeypatch.setattr("nstkit.cli.seeing.PreviewServer", Kept)
    return servers


def test_a_quiet_run_prints_the_address_alone(nstkit, here, photo, style, served):
    code, out, err = nstkit("transfer", photo, style, "-o", "out.png", *SHORT, "--preview", "-q")
    assert (code, out, err) == (0, "", f"{served[0].url}\n")
    with pytest.raises(ConnectionRefusedError):
        ask(served[0])


def test_the_picture_is_the_same_with_a_page_looking_on(nstkit, here, photo, style, served, monkeypatch):
    nstkit("transfer", photo, style, "-o", "alone.png", *SHORT, "-q")
    real, news = session.stylize, []

    def looked_at(*args, on_step, **kwargs):
        def watch(step):
            served[0].state._wanted = True
            stop = on_step(step)
            news.append(json.loads(ask(served[0], "state")[2]))
            return stop

        return real(*args, on_step=watch, **kwargs)

    monkeypatch.setattr(session, "stylize", looked_at)
    monkeypatch.setattr(preview_state, "PATIENCE", 0.3)
    code, _, err = nstkit("transfer", photo, style, "-o", "out.png", *SHORT, "--preview")
    assert code == 0
    assert err.count(served[0].url) == 1
    assert torch.equal(load_image("out.png"), load_image("alone.png"))
    assert [n["done"] for n in news] == [1, 2, 3, 4]
    assert [point["done"] for point in news[-1]["points"]] == [1, 2, 3, 4]
    assert news[0]["picture"] == 1


def test_stop_ends_the_run_as_ctrl_c_does(nstkit, here, photo, style, served, monkeypatch):
    real = session.stylize

    def stopped(*args, on_step, **kwargs):
        def watch(step):
            if step.done == 2:
                assert ask(served[0], "stop", "POST")[0] == ask(served[0], "stop", "POST")[0] == 202
            return on_step(step)

        return real(*args, on_step=watch, **kwargs)

    monkeypatch.setattr(session, "stylize", stopped)
    words = ("transfer", photo, style, "-o", "out.png", *SHORT)
    code, _, err = nstkit(*words, "--preview")
    assert code == 130
    assert "stopped at step 2/4; the picture so far is out.partial.png" in err
    assert "to go on: nstkit transfer --resume" in err
    assert (here / "out.png.resume.safetensors").exists()
    note = served[0].state.news(0)
    assert note["state"] == "stopped"
    assert "to go on: nstkit transfer --resume" in note["note"]
    monkeypatch.setattr(session, "stylize", real)
    assert nstkit(*words, "--resume", "-q").code == 0


def test_the_page_says_why_a_run_failed(nstkit, here, photo, style, served):
    code, _, err = nstkit(
        "transfer", photo, style, "-o", "out.png", *SHORT, "--preview", "--masks", "gone.png"
    )
    assert code == 2
    news = served[0].state.news(0)
    assert news["state"] == "failed"
    assert "gone.png" in news["note"]
    assert "gone.png" in err


@pytest.mark.parametrize("view", ["--preview", "--trace"])
def test_one_pass_has_nothing_to_watch(nstkit, here, photo, view):
    words = () if view == "--preview" else ("run.jsonl",)
    code, _, err = nstkit("transfer", photo, "-o", "out.png", "--model", "m.safetensors", view, *words)
    assert (code, err) == (2, f"nstkit: {view}: expected no --model and no --frames beside it\n")
