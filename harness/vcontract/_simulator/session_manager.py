"""Sessions: login, logout, time-out, their cookies, and the objects that end with their session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.data_objects import make
from vcontract._simulator.objects import Account, Invocation, ManagedObject, Session

if TYPE_CHECKING:
    from vcontract._simulator.http1 import Request
    from vcontract._simulator.vcenter import VCenter

COOKIE = "vmware_soap_session"
_LOCALE = "en"


class Sessions:
    """All live sessions by cookie; one that was idle for `session_timeout` seconds is ended at its next lookup."""

    def __init__(self, vcenter: VCenter) -> None:
        self.vcenter = vcenter
        self._by_cookie: dict[str, Session] = {}
        self._used: dict[str, float] = {}
        self._calls: dict[str, int] = {}
        self._owned: dict[str, dict[str, ManagedObject]] = {}

    def login(self, call: Invocation, account: Account, locale: str, head: Request | None) -> Session:
        """Begin a session under the caller's fresh cookie."""
        now = self.vcenter.timeline.datetime()
        session = Session(
            key=self.vcenter.new_uuid(),
            cookie=call.cookie,
            account=account,
            locale=locale,
            ip_address=head.peer if head else "",
            user_agent=head.headers.get("user-agent", "") if head else "",
            login_time=now,
            last_active=now,
        )
        self._by_cookie[session.cookie] = session
        self._owned[session.key] = {}
        self._calls[session.key] = 0
        self._used[session.key] = self.vcenter.timeline.now()
        return session

    def find(self, cookie: str) -> Session | None:
        """Give the live session that a cookie names."""
        session = self._by_cookie.get(cookie)
        if session is None:
            return None
        if self.vcenter.timeline.now() - self._used[session.key] > self.vcenter.settings.session_timeout:
            self.end(session)
            return None
        return session

    def use(self, session: Session) -> None:
        """Count a call of a session and put off its time-out."""
        self._calls[session.key] += 1
        self._used[session.key] = self.vcenter.timeline.now()
        session.last_active = self.vcenter.timeline.datetime()

    def end(self, session: Session) -> None:
        """End a session and every object that belongs to it; calls that wait in it are cancelled."""
        for cookie in [name for name, named in self._by_cookie.items() if named is session]:
            del self._by_cookie[cookie]
        for owned in list(self._owned.pop(session.key, {})):
            self.vcenter.registry.remove(owned)
        self._used.pop(session.key, None)
        self._calls.pop(session.key, None)
        self.vcenter.wake()

    def join(self, session: Session, other: Session) -> None:
        """End a session that has just begun, and let its cookie name another session."""
        self.end(session)
        self._by_cookie[session.cookie] = other

    def alive(self, session: Session) -> bool:
        """Whether a session has not ended."""
        return session.key in self._owned

    def all(self) -> list[Session]:
        """List the live sessions."""
        return [session for cookie in list(self._by_cookie) if (session := self.find(cookie)) is not None]

    def own(self, call: Invocation, owned: ManagedObject) -> None:
        """Register an object that ends with the caller's session."""
        if call.session is not None:
            self._owned[call.session.key][owned.moid] = owned
        self.vcenter.registry.add(owned)

    def release(self, call: Invocation, owned: ManagedObject) -> None:
        """End an object that belongs to the caller's session."""
        if call.session is not None:
            self._owned[call.session.key].pop(owned.moid, None)
        self.vcenter.registry.remove(owned.moid)

    def owned(self, session: Session, kind: type) -> list[Any]:
        """List the objects of a class that belong to a session."""
        return [owned for owned in self._owned.get(session.key, {}).values() if isinstance(owned, kind)]

    def describe(self, session: Session) -> vim.UserSession:
        """Give a session as the API shows it."""
        return make(
            vim.UserSession,
            key=session.key,
            userName=session.account.user_name,
            fullName=session.account.user_name.rpartition("\\")[2],
            loginTime=session.login_time,
            lastActiveTime=session.last_active,
            locale=session.locale,
            messageLocale=session.locale,
            extensionSession=False,
            ipAddress=session.ip_address,
            userAgent=session.user_agent,
            callCount=self._calls.get(session.key, 0),
        )


class SessionManager(ManagedObject):
    """The vim.SessionManager."""

    vmodl_type = vim.SessionManager

    def get_sessionList(self) -> list[vim.UserSession]:
        """Give all live sessions."""
        return [self.vcenter.sessions.describe(session) for session in self.vcenter.sessions.all()]

    def property_for(self, name: str, session: Session | None) -> Any:
        """Give a property; `currentSession` is the session that reads it."""
        if name == "currentSession":
            return None if session is None else self.vcenter.sessions.describe(session)
        return self.property(name)

    def get_messageLocaleList(self) -> list[str]:
        """Give the locales in which faults are worded."""
        return [_LOCALE]

    def get_supportedLocaleList(self) -> list[str]:
        """Give the locales that a login may ask for."""
        return [_LOCALE]

    def get_defaultLocale(self) -> str:
        """Give the locale of a login that asks for none."""
        return _LOCALE

    def Login(self, call: Invocation, userName: str, password: str, locale: str | None = None) -> vim.UserSession:
        """Begin a session; InvalidLogin if name or password is wrong or the caller is logged in, InvalidLocale."""
        account = self.vcenter.accounts.get(userName.lower())
        if account is None or account.password != password or call.session is not None:
            raise vim.fault.InvalidLogin
        if locale is not None and locale.partition("_")[0] != _LOCALE:
            raise vim.fault.InvalidLocale
        return self.vcenter.sessions.describe(self.vcenter.sessions.login(call, account, locale or _LOCALE, call.head))

    def Logout(self, call: Invocation) -> None:
        """End the caller's session."""
        if call.session is not None:
            self.vcenter.sessions.end(call.session)

    def TerminateSession(self, call: Invocation, sessionId: list[str]) -> None:
        """End sessions by key; NotFound if one does not exist, InvalidArgument for the caller's own."""
        live = {session.key: session for session in self.vcenter.sessions.all()}
        for key in sessionId:
            if call.session is not None and key == call.session.key:
                raise vmodl.fault.InvalidArgument(invalidProperty="sessionId")
            if key not in live:
                raise vim.fault.NotFound
            self.vcenter.sessions.end(live[key])

    def SessionIsActive(self, call: Invocation, sessionID: str, userName: str) -> bool:  # noqa: ARG002 - every method gets the call
        """Whether a session of that user lives."""
        return any(
            session.key == sessionID and userName in {session.account.name, session.account.user_name}
            for session in self.vcenter.sessions.all()
        )
