"""The options of a run, checked and turned into values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tui.cli.api_key import pop_env_key, read_key
from tui.text.formats import at_speed, format_count, format_speed
from tui.text.width import clean
from workers import secrecy
from workers.audio.source import DEFAULT_OPTIONS, ReadOptions
from workers.errors import UsageProblem
from workers.jobs.job import Limits, StreamSettings
from workers.jobs.matrix import Matrix, apply_condition, parse_matrix
from workers.localserver.capacity import process_count, session_capacity
from workers.pacing.schedule import Release
from workers.prices.budget import parse_budget
from workers.prices.price_list import HourlyPrice, PriceList, load_prices
from workers.protocol import endpoint
from workers.protocol.endpoint import Endpoint, EndpointKind
from workers.protocol.proxies import Proxy, find_proxy
from workers.ranges import CHANNEL, SENT_RATE_HZ
from workers.scheduling.start_rate import FREE_STARTS_PER_MINUTE
from workers.scheduling.start_slots import StartSlots
from workers.secrecy import KEY_VARIABLE, Secret
from workers.sources import values
from workers.sources.manifest import SourceRules
from workers.sources.shard import Shard, parse_shard

_REFUSED_PARAM_HINTS = {
    "speech_model": "Use --speech-model.",
    "sample_rate": "Use --sample-rate; what is sent is resampled to it.",
    "encoding": "Paceline decodes every file and sends pcm_s16le.",
    "token": f"Set {KEY_VARIABLE} to the API key.",
}
"""Parameters that `--param` rejects, and what to do instead."""


DEFAULT_SESSIONS = 10
"""The limit on concurrent sessions if neither the user nor the embedded engine sets one."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run, new or resumed."""

    settings: StreamSettings
    endpoint: Endpoint | None
    """None: the embedded engine."""
    key: Secret | None
    limits: Limits
    out: Path | None
    log_level: str | None = None
    log_file: Path | None = None
    read_options: ReadOptions = DEFAULT_OPTIONS
    """How new recordings are read, unless a manifest says otherwise."""
    remote: bool = False
    """Whether manifests may name recordings on the network."""
    matrix: Matrix | None = None
    """The conditions under which each recording is streamed; None: only those of the run."""
    shard: Shard | None = None
    """The part of the recordings that this machine streams; None: all of them."""
    fleet: str | None = None
    """The address of the cluster whose nodes run the sessions; None: this machine runs them."""
    unencrypted: bool = False
    """Whether the key may travel unencrypted to other machines."""
    share_with_group: bool = False
    """Whether the group may read the run folder."""
    sessions_per_job: int = 1
    """2 if calls are split: the sessions of a pair start together."""
    prices: PriceList = field(default_factory=load_prices)

    @property
    def session_share(self) -> int | None:
        """How many sessions this machine may have at once; None: as many as the endpoint's default.
        A limit counts for all shards together. Raises `UsageProblem` if it is less than they
        need: a shard without sessions would never end."""
        total, each = self.limits.sessions, self.sessions_per_job
        if self.shard is None or (total is None and self.endpoint is None):
            return total  # each machine has an embedded engine of its own
        total, needed = total or DEFAULT_SESSIONS, self.shard.count * each
        if total < needed:
            reason = f"{self.shard.count} shards need at least {format_count(needed, 'session')}"
            reason += f", and --sessions allows {total} for all of them together"
            raise UsageProblem(reason, f"Set --sessions to {needed} or more, or use fewer shards.")
        return self.shard.share_of(total // each) * each

    def session_price(self, settings: StreamSettings) -> HourlyPrice:
        """What an hour of a session with these settings costs."""
        return self.prices.session_price(self.endpoint, settings.speech_model, settings.params)

    def check_budget(self) -> None:
        """Raises `UsageProblem` for a budget in money where no price is known."""
        budget, price = self.limits.budget, self.session_price(self.settings)
        if budget is None or not budget.currency:
            return
        if budget.currency != self.prices.currency:  # a run may continue with other prices
            reason = f"the budget is in {budget.currency}, prices are in {self.prices.currency}"
            raise UsageProblem(reason, "Give another --budget.")
        if price.per_hour is None:
            reason = f"no price is known for {self.destination}"
            hint = "Write the budget as a time, such as --budget 2h, or give a price; see --prices."
            raise UsageProblem(reason, hint)

    @property
    def source_rules(self) -> SourceRules:
        """How names of recordings are understood."""
        return SourceRules(self.read_options, self.remote, check_params=self.check_params)

    def check_params(self, params: Iterable[tuple[str, str]]) -> None:
        """Raises `UsageProblem` for connection parameters of a recording that cannot be sent."""
        params = tuple(params)
        for name, _ in params:
            _check_param_name(name)
        if self.endpoint is None and params:
            _check_engine_settings(self.settings.with_params(params))

    def check_condition(self, condition: Iterable[tuple[str, str]]) -> None:
        """Raises `UsageProblem` for a condition of a matrix that cannot be sent."""
        settings = apply_condition(self.settings, tuple(condition))
        for name, _ in settings.params:
            _check_param_name(name)
        if self.endpoint is None:
            _check_engine_settings(settings)

    @property
    def destination(self) -> str:
        """The display name of the endpoint, for the service with its region, and the speed."""
        if self.endpoint is None:
            return endpoint.EMBEDDED_NAME + at_speed(self.settings.speed)
        nearest = self.endpoint_kind is EndpointKind.SERVICE and "(" not in self.endpoint.name
        name = f"{self.endpoint.name} (nearest region)" if nearest else self.endpoint.name
        return name + at_speed(self.settings.speed)

    @property
    def proxy(self) -> Proxy | None:
        """The proxy that sessions will take, by the environment."""
        return find_proxy(self.endpoint.url) if self.endpoint is not None else None

    @property
    def unknown_names(self) -> list[str]:
        """A sentence for each model or parameter that is sent although Paceline does not know it.
        The embedded engine refuses those."""
        conditions = self.matrix.conditions if self.matrix is not None else ((),)
        every = [apply_condition(self.settings, condition) for condition in conditions]
        if self.endpoint is None or all(map(_is_usual, every)):
            return []
        from tui.cli.known_names import unknown_name_warnings

        return list(dict.fromkeys(text for one in every for text in unknown_name_warnings(one)))

    @property
    def notices(self) -> list[str]:
        """What the user should know before the first start."""
        return [*self.unknown_names, *filter(None, [self.shard_notice, self.speed_notice])]

    @property
    def shard_notice(self) -> str:
        """Which shard this is, and its limits as parts of those for all shards together; empty if
        the run is no shard."""
        sessions, per_minute = self.session_share, self.starts_per_minute
        if self.shard is None:
            return ""
        parts = []
        if sessions is not None:
            total = format_count(self.limits.sessions or DEFAULT_SESSIONS, "session")
            parts.append(f"{sessions} of {total} at once")
        if per_minute is not None:
            each = self.sessions_per_job
            slots = StartSlots.of(self.shard, per_minute, each)
            share = self.shard.share_of(per_minute // each) * each
            starts = f"{share} of {format_count(per_minute, 'start')} a minute"
            parts.append(f"a start every {slots.period_s:.0f} s" if slots else starts)
        if not parts:
            return f"{str(self.shard).capitalize()} streams its part of the recordings."
        at_first = " at first" if self.probes_start_rate else ""
        return f"{str(self.shard).capitalize()} has {' and '.join(parts)}{at_first}."

    @property
    def probes_start_rate(self) -> bool:
        """Whether the limit on starts is not known, and is found by what the service refuses."""
        return self.limits.start_rate is None and self.endpoint_kind is EndpointKind.SERVICE

    @property
    def starts_per_minute(self) -> int | None:
        """The limit on session starts, at first; None: no limit."""
        return FREE_STARTS_PER_MINUTE if self.probes_start_rate else self.limits.start_rate

    @property
    def speed_notice(self) -> str:
        """What the speed means for the sessions of the embedded engine; empty if nothing."""
        speed, usual = self.settings.speed, session_capacity(process_count())
        if self.endpoint is not None or speed <= 1:
            return ""
        served = format_count(session_capacity(process_count(), speed), "session")
        return f"At {format_speed(speed)} the embedded engine serves {served} at once, not {usual}."

    @property
    def endpoint_kind(self) -> EndpointKind:
        """The kind of the endpoint. Only the service is known to cost money."""
        return self.endpoint.kind if self.endpoint else EndpointKind.EMBEDDED


def parse_options(
    *,
    url: str | None,
    local: bool,
    region: str | None,
    key_file: Path | None,
    keyring: bool,
    ca_file: Path | None,
    unencrypted: bool,
    speech_model: str,
    params: Iterable[str],
    chunk_ms: int,
    release: str,
    speed: float,
    sample_rate: int | None,
    sessions: int | None,
    start_rate: int | None,
    attempts: int,
    dead_after: float,
    out: Path | None,
    strict: bool = False,
    log_level: str | None = None,
    log_file: Path | None = None,
    remote: bool = False,
    matrix: Iterable[str] = (),
    repeat: int = 1,
    budget: str | None = None,
    prices_file: Path | None = None,
    shard: str | None = None,
    fleet: str | None = None,
    share_with_group: bool = False,
    keep_words: bool = True,
    needs_key: bool = True,
    **reading: Any,
) -> RunOptions:
    """Checks the options of a new run; raises `UsageProblem` if they are invalid or conflict.

    ``needs_key``: false if nothing will be sent, so that the service may be named without a key.
    """
    target, key = parse_destination(
        url=url,
        local=local,
        region=region,
        key_file=key_file,
        keyring=keyring,
        ca_file=ca_file,
        unencrypted=unencrypted,
        needs_key=needs_key,
    )
    if share_with_group and out is None:
        reason = "the group cannot reach a run in your state folder"
        raise UsageProblem(reason, "Choose a folder that it can reach with --out.")
    if sample_rate is not None and sample_rate not in SENT_RATE_HZ:
        hint = f"--sample-rate must be {SENT_RATE_HZ}."
        raise UsageProblem(f"{sample_rate} Hz cannot be sent", hint)
    settings = StreamSettings(
        chunk_ms=chunk_ms,
        release=Release(release),
        rate=sample_rate,
        speech_model=speech_model,
        params=tuple(_parse_param(param) for param in params),
        strict=strict,
        speed=speed,
        keep_words=keep_words,
    )
    check_endpoint_speed(speed, target)
    if target is None:
        _check_engine_settings(settings)
    prices = load_prices(prices_file)
    allowed = None if budget is None else parse_budget(budget, prices)
    limits = Limits(sessions, start_rate or None, attempts, dead_after, allowed)
    read_options = parse_read_options(**reading)
    if read_options.speakers and sessions == 1:
        reason = "--channels split needs two sessions, one for each speaker"
        raise UsageProblem(reason, "Raise --sessions to 2 or more.")
    if read_options.speakers and target is None:
        _check_speed_of_pairs(speed)
    options = RunOptions(
        settings,
        target,
        key,
        limits,
        out,
        log_level,
        log_file,
        read_options=read_options,
        remote=remote,
        shard=parse_shard(shard) if shard is not None else None,
        fleet=None if fleet is None else checked_fleet(fleet),
        unencrypted=unencrypted,
        share_with_group=share_with_group,
        sessions_per_job=2 if read_options.speakers else 1,
        prices=prices,
    )
    _ = options.session_share  # raises if the limit cannot be divided
    options.check_budget()
    if shard is not None and fleet is not None:
        hint = "Name all recordings: the fleet divides them among its nodes."
        raise UsageProblem("--shard and --fleet cannot be combined", hint)
    if texts := tuple(matrix):
        options = replace(options, matrix=parse_matrix(texts, repeat, options.check_condition))
    elif repeat > 1:
        options = replace(options, matrix=Matrix(((),), repeat))
    return options


def parse_destination(
    *,
    url: str | None,
    local: bool,
    region: str | None,
    key_file: Path | None,
    keyring: bool,
    ca_file: Path | None,
    unencrypted: bool,
    needs_key: bool = True,
) -> tuple[Endpoint | None, Secret | None]:
    """Where a new run streams to, and the key; raises `UsageProblem`.

    Without an endpoint, a run streams to the service if it has a key, else to the embedded engine,
    which is None.
    """
    env_key = pop_env_key()
    if local and (url or region):
        raise UsageProblem("--local and another endpoint cannot be combined", "Choose one.")
    if url and region:
        raise UsageProblem("--endpoint and --region cannot be combined", "Choose one.")
    key = None if local else read_key(env_key, key_file, keyring=keyring)
    ca = checked_ca_file(ca_file)
    target = None
    if url:
        target = endpoint.custom_endpoint(url, allow_unencrypted=unencrypted)
    elif key is not None or (region and not needs_key):
        target = endpoint.service_endpoint(region)
    elif region:
        raise UsageProblem("the service needs a key", f"Set {KEY_VARIABLE}.")
    if target is not None:
        target = replace(target, ca=ca)
        find_proxy(target.url)  # raises if the environment names one that cannot be used
    return target, key


def parse_read_options(
    *,
    audio_track: str | None = None,
    raw: str | None = None,
    part_from: str | None = None,
    part_until: str | None = None,
    channels: str = "mix",
    speakers: str | None = None,
    follow: bool = False,
) -> ReadOptions:
    """Checks which audio of each recording is read; raises `UsageProblem`."""
    if follow and channels == "split":
        reason = "--follow and --channels split cannot be combined"
        raise UsageProblem(reason, "Split the call when it is complete, or follow one channel.")
    start_s = values.position_s(part_from) if part_from is not None else 0.0
    end_s = values.position_s(part_until) if part_until is not None else None
    start_s, end_s = values.part(start_s, end_s)
    return replace(
        _parse_channels(channels, speakers),
        track=values.track(audio_track or ""),
        raw=values.raw_format(raw) if raw is not None else None,
        start_s=start_s,
        end_s=end_s,
        follow=follow,
    )


def checked_ca_file(file: Path | None) -> str | None:
    """The absolute path of a file of certificates; raises `UsageProblem` if it has none."""
    if file is None:
        return None
    import ssl  # slow to load

    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise UsageProblem(f"{file} contains no certificate", "It should be a PEM file.") from error
    except OSError as error:
        reason = f"the certificates in {file} cannot be read ({error.strerror})"
        raise UsageProblem(reason, "Check the path.") from error
    return str(file.absolute())


def checked_fleet(address: str) -> str:
    """The address of a cluster; raises `UsageProblem` if it is none."""
    if address == "auto" or re.fullmatch(r"(ray://)?[^\s/:@?#]+(:\d+)", address):
        return address
    hint = "Use auto, or ray://HOST:PORT; Ray's port for clients is 10001."
    raise UsageProblem(f"“{clean(address)}” is not the address of a Ray cluster", hint)


def check_endpoint_speed(speed: float, target: Endpoint | None) -> None:
    """Raises `UsageProblem` if the service would get audio at another speed than speech."""
    if speed != 1 and target is not None and endpoint.is_vendors(target):
        raise UsageProblem(
            f"{target.name} only takes audio at the speed of speech, not at {format_speed(speed)}",
            "Use --speed with --local, or with an --endpoint of your own.",
        )


def _check_speed_of_pairs(speed: float) -> None:
    """Raises `UsageProblem` if the embedded engine cannot serve both halves of a call at once."""
    if session_capacity(process_count(), speed) < 2:
        highest = session_capacity(process_count()) / 2
        reason = f"at {format_speed(speed)} the embedded engine serves one session at once"
        hint = f"--channels split needs two: lower --speed to {highest:g}."
        raise UsageProblem(reason, hint)


def _is_usual(settings: StreamSettings) -> bool:
    return not settings.params and settings.speech_model == StreamSettings().speech_model


def _check_engine_settings(settings: StreamSettings) -> None:
    """Raises `UsageProblem` for a model or parameter that the embedded engine does not know."""
    if not _is_usual(settings):
        from tui.cli.known_names import check_engine_settings  # slow to load

        check_engine_settings(settings)


def _parse_channels(text: str, speakers: str | None) -> ReadOptions:
    """Which channels to send: one, counted from 1; the mix of all; or each of two by itself."""
    if text == "split":
        return ReadOptions(speakers=_parse_speakers("left,right" if speakers is None else speakers))
    if speakers is not None:
        reason = "--speakers names the channels of a stereo call that is split"
        raise UsageProblem(reason, "Add --channels split.")
    named = {"mix": None, "left": 1, "right": 2}
    if text in named:
        return ReadOptions(channel=named[text])
    if re.fullmatch(r"[0-9]{1,9}", text) and int(text) in CHANNEL:
        return ReadOptions(channel=int(text))
    hint = f"Write --channels mix, left, right, split or a number {CHANNEL}."
    raise UsageProblem(f"“{text}” chooses no channel", hint)


def _parse_speakers(text: str) -> tuple[str, ...]:
    """The names of the two speakers, left first."""
    names = tuple(clean(name).strip() for name in text.split(","))
    if len(names) != 2 or not all(names) or names[0] == names[1]:
        hint = "Write two names, that of the left channel first: --speakers agent,caller"
        raise UsageProblem(f"“{text}” does not name two speakers", hint)
    return names


def _parse_param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageProblem(f"“{text}” is not a parameter", "Write --param NAME=VALUE.")
    _check_param_name(name)
    return name, value


def _check_param_name(name: str) -> None:
    if name in _REFUSED_PARAM_HINTS:
        raise UsageProblem(f"--param {name} is not allowed", _REFUSED_PARAM_HINTS[name])
    if secrecy.names_secret_parameter(name):
        raise UsageProblem(f"--param {name} is not allowed", _REFUSED_PARAM_HINTS["token"])
