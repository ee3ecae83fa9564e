"""The text of all scripts that show a finding with nothing of ours, from where they judge: what shows, and what is put back."""

JUDGING = '''

def privileges(fault):
    missing = getattr(fault, "missingPrivileges", None) or ()
    return {getattr(fault, "privilegeId", None), *(each for entry in missing for each in entry.privilegeIds)} - {None, ""}


def field_is_wrong(field, last):
    """Whether a field of the fault is wrong; None if this cannot be told from here."""
    fault, before, arguments = last["value"], last["before"], last["step"].get("arguments") or {}
    told = getattr(fault, field, None)
    if field in ("existingState", "requestedState"):
        return str(told) != before.get("power") if field == "existingState" else None
    if field == "task":
        if not isinstance(told, vim.Task):
            return True
        info = vim.Task(told._moId, session("full")._stub).info
        return (info.entity is not None and info.entity._moId != before.get("moid")) or info.state in FINAL
    if field == "numberOfNicsInSpec":
        return told != len((arguments.get("spec") or {}).get("nicSettingMap") or ())
    if field == "numberOfNicsInVM":
        return told != before.get("nics")
    if field == "obj":
        about = {MADE.get(moid, moid) for moid in (last["step"].get("moid"), *references(arguments))}
        return getattr(told, "_moId", None) not in about
    if field == "method":
        return str(told).lower() not in PLAN["methods"]
    if field in ("privilegeId", "missingPrivileges"):
        return not privileges(fault) & set(PLAN["privileges"])
    if field == "reason":
        return not re.search(r"vix error codes? = [(]\\d+, \\d+[)]", str(told), re.I)
    return None


def life_is_wrong(field, infos):
    """Whether what was read of the task is wrong in a field of its info; None if this cannot be told from here."""
    seen = [info for info in infos if not isinstance(info, Exception)]
    order = {"queued": 0, "running": 1, "success": 2, "error": 2}
    if field == "info":
        return any(isinstance(info, Exception) for info in infos)
    if field == "info.state":
        pairs = list(zip(seen, seen[1:], strict=False))
        back = any(order[b.state] < order[a.state] or (a.state in FINAL and a.state != b.state) for a, b in pairs)
        return back or bool(seen) and not any(info.state in FINAL for info in seen)
    if field == "info.error":
        return any((info.state == "error") != (info.error is not None) for info in seen)
    if field == "info.result":
        return any(info.result is not None for info in seen)
    if field == "info.cancelled":
        return not seen[-1].cancelled
    if field == "info.completeTime":
        return any(info.startTime and info.completeTime and info.completeTime < info.startTime for info in seen)
    return None


def name_of(info):
    """Whatever a task says of its method; pyVmomi makes an object of a name that it knows."""
    method = getattr(info.name, "info", None)
    return " ".join(str(each) for each in (getattr(method, "wsdlName", info.name), info.descriptionId)).lower()


def refused_task(last):
    """Whether a call that was refused left a task of ours on its machine."""
    new = [task.info for task in machine_of(last["step"]).recentTask if task._moId not in last["before"]["tasks"]]
    user = os.environ["VC_USER"].lower().split("@")[0]
    words = [method.removesuffix("_task") for method in PLAN["methods"]]
    named_ = [info for info in new if any(word in name_of(info) for word in words)]
    return any(user in str(getattr(info.reason, "userName", user)).lower() for info in named_)


def effect_is_wrong(field):
    """Whether the machine does not show, within the patience, what the last success made of it; None: it cannot be told."""
    last = JUDGED[-1]
    if field not in ("guest.hostName", "guest.net") and PLAN["instead"] is None:
        return None
    until = time.monotonic() + PATIENCE
    while True:
        wrong = settings_are_wrong(field) if PLAN["instead"] is None else shown(last, field) == PLAN["instead"]
        if wrong is not True or time.monotonic() > until:
            return wrong
        time.sleep(0.2)


def reached(value, path):
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


def shown(last, field):
    return str(reached(machine_of(last["step"]), field))


def claims(spec, field):
    """What a specification sets: its fixed host name, or its fixed addresses."""
    if field == "guest.hostName":
        identity = spec.get("identity") or {}
        name = identity.get("hostName") or (identity.get("userData") or {}).get("computerName") or {}
        return [str(name["name"]).split(".")[0].lower()] if name.get("name") else []
    adapters = [mapping.get("adapter") or {} for mapping in spec.get("nicSettingMap") or ()]
    return [each["ip"]["ipAddress"] for each in adapters if (each.get("ip") or {}).get("ipAddress")]


def settings_are_wrong(field):
    """Whether a guest shows other settings than the last specification that succeeded gave it, or those of one that did not."""
    told, refused = {}, {}
    for each in JUDGED:
        spec, vm = (each["step"].get("arguments") or {}).get("spec"), machine_of(each["step"])
        if spec and vm is not None:
            (told if each["outcome"] == "OK" else refused)[vm._moId] = claims(spec, field)
    everyone = [claim for given_ in (*told.values(), *refused.values()) for claim in given_]
    for moid, vm in everything(vim.VirtualMachine).items():
        if field == "guest.hostName":
            seen = {str((vm.guest and vm.guest.hostName) or "").split(".")[0].lower()}
        else:
            seen = {address for nic in ((vm.guest and vm.guest.net) or ()) for address in nic.ipAddress or ()}
        if moid in told and not set(told[moid]) <= seen:
            return True
        if moid not in told and set(everyone) & seen:
            return True
    return False if everyone else None


def object_is_wrong():
    """Whether the reads break a row of the contract's object itself; None if this cannot be told from here."""
    row, contents = PLAN["row"].rpartition("/")[2], [each for each in READ if each[0] == "RetrieveServiceContent"]
    if row == "since" and contents:
        element = r"<(?:[\\w.-]+:)?" + PLAN["content"].split(".")[0] + r"[\\s>/]"
        there = re.search(element, contents[-1][3].decode("utf-8", "replace"))
        return bool(there) == (PLAN["observed"] == "present")
    if row == "singleton" and contents:
        return len({str(reached(value, PLAN["content"])) for _, outcome, value, _ in contents if outcome == "OK"}) > 1
    if row == "properties" and READ:
        outcome, value = READ[-1][1:3]
        wanted = PLAN["observed"].rpartition(" ")[2]
        return outcome == wanted if wanted != "OK" or "named" in PLAN["observed"] else any(
            each.propSet for each in getattr(value, "objects", None) or ())
    return None


def judge():
    """Whether the deviation shows: the outcome that was seen, and the field that was wrong; None if it cannot be told."""
    if not JUDGED:
        return object_is_wrong()
    last, shows = JUDGED[-1], PLAN["shows"]
    field = shows["field"]
    if field == "secret":
        return any(word.encode() in last["reply"] for word in SENT)
    if shows["grade"] == "protocol" and field != "returnval":
        return bool(last["broken"])
    if field == "returnval":
        return (last["infos"] == []) == bool(last["step"]["method"].endswith("_Task"))
    if field.startswith("info"):
        return life_is_wrong(field, last["infos"])
    if (last["outcome"], last["channel"]) != (shows["outcome"], shows["channel"]):
        return False
    if field in ("", "channel"):
        return True
    if field == "recentTask":
        return refused_task(last)
    if last["channel"]:
        return field_is_wrong(field, last)
    return effect_is_wrong(field)


def finish(task):
    followed(task, settled=True)


def put_back(before):
    """Destroy what was made, connect hosts, and bring the machine to what it was; gives what could not be put back."""
    left = []
    for host in everything(vim.HostSystem).values():
        if host._moId in USED and host.runtime.connectionState == "disconnected":
            finish(host.ReconnectHost_Task())
    for vm in everything(vim.VirtualMachine).values():
        if vm._moId in MADE.values() and vm._moId not in before and marked(vm):
            if vm.runtime.powerState != "poweredOff":
                finish(vm.PowerOffVM_Task())
            finish(vm.Destroy_Task())
    for moid, (name, power, template, ready) in before.items():
        vm = vim.VirtualMachine(moid, session("full")._stub)
        if moid not in MADE.values() or not marked(vm):
            continue
        for task in vm.recentTask:
            finish(task)
        if vm.config.template and not template:
            vm.MarkAsVirtualMachine(vm.runtime.host.parent.resourcePool, vm.runtime.host)
        if vm.runtime.powerState != power and not vm.config.template:
            moves = {"poweredOn": vm.PowerOnVM_Task, "poweredOff": vm.PowerOffVM_Task, "suspended": vm.SuspendVM_Task}
            if power == "suspended" and vm.runtime.powerState == "poweredOff":
                finish(vm.PowerOnVM_Task())
            finish(moves[power]())
        elif ready and not (vm.guest and vm.guest.guestOperationsReady):
            finish(vm.ResetVM_Task())
        if template and not vm.config.template:
            vm.MarkAsTemplate()
        if vm.runtime.powerState != power or vm.config.template != template:
            left.append(name)
    return left


def remembered():
    return {moid: (vm.name, str(vm.runtime.powerState), bool(vm.config and vm.config.template),
                   bool(vm.guest and vm.guest.guestOperationsReady)) for moid, vm in everything(vim.VirtualMachine).items()}


def main():
    given("VC_URL")
    for title in ("row", "expected", "observed", "machine"):
        say(title + ": " + PLAN[title])
    before = remembered()
    moid = next((moid for moid, (name, *_) in before.items() if name == PLAN["machine"]), None)
    if moid is None and PLAN["machine"]:  # what is read of the API alone names none
        raise Ends("no virtual machine is called " + ascii(PLAN["machine"]), 3)
    if moid is not None:
        MADE[PLAN["moid"]] = moid
    shows = left = None
    try:
        for step in PLAN["steps"]:
            if step.get("type") == "HostSystem":  # what is done to a host is done to this machine's
                MADE[step["moid"]] = vim.VirtualMachine(moid, session("full")._stub).runtime.host._moId
                USED.append(MADE[step["moid"]])
            send(step)
        shows = judge()
    finally:
        left = put_back(before)
        for each in SESSIONS.values():
            Disconnect(each)
    if left:
        raise Ends("not put back: " + ascii(left), 3)
    say({True: "the deviation shows", False: "the deviation does not show", None: "this script cannot tell"}[shows])
    return {True: 1, False: 0, None: 5}[shows]


try:
    code = main()
except Ends as end:
    say(str(end))
    code = end.code
except Exception as error:
    say("it ended early: " + type(error).__name__ + ": " + str(error)[:600])
    code = 3
sys.exit(code)
'''
