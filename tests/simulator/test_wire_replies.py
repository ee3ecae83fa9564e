"""The writer: replies and faults as real servers send them, without what the vendor's client code adds."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from pyVmomi import vim, vmodl

from vcontract._simulator.messages import describe
from vcontract._simulator.soap_writer import value_text, write_fault, write_reply

NEW, OLD = "vim.version.v8_0_3_0", "vim.version.version7"


def test_a_reply_has_the_layout_of_real_ones() -> None:
    """Declaration, name spaces and line breaks are those of the recordings; a void reply is an empty element."""
    reply = write_reply("DestroyView", type(None), None, NEW).decode()
    assert reply == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"\n'
        ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\n'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        "<soapenv:Body>\n"
        '<DestroyViewResponse xmlns="urn:vim25"></DestroyViewResponse>\n'
        "</soapenv:Body>\n</soapenv:Envelope>"
    )


def test_a_fault_has_no_message_among_its_fields() -> None:
    """The text stands in faultstring alone; the detail is named after the type and carries it."""
    fault = vim.fault.InvalidPowerState(requestedState="poweredOn", existingState="poweredOff")
    text = write_fault(fault, NEW).decode()
    assert (
        "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>The attempted operation cannot be performed"
        ' in the current state (Powered off).</faultstring><detail><InvalidPowerStateFault xmlns="urn:vim25"'
        ' xsi:type="InvalidPowerState"><requestedState>poweredOn</requestedState><existingState>poweredOff'
        "</existingState></InvalidPowerStateFault></detail></soapenv:Fault>"
    ) in text


def test_a_type_newer_than_the_client_is_its_ancestor_throughout() -> None:
    """Element name, xsi:type and fields all are those of the nearest ancestor that the client knows."""
    newer = vim.fault.EncryptionKeyRequired(requiredKey=[])
    assert b'<InvalidStateFault xmlns="urn:vim25" xsi:type="InvalidState"></InvalidStateFault>' in write_fault(
        newer, OLD
    )
    assert b'<EncryptionKeyRequiredFault xmlns="urn:vim25" xsi:type="EncryptionKeyRequired">' in write_fault(newer, NEW)
    prep = vim.vm.customization.CloudinitPrep(metadata="m")
    assert value_text("v", object, prep, "vim.version.v6_8_7") == '<v xsi:type="CustomizationIdentitySettings"></v>'


def test_the_oldest_client_is_answered_in_its_own_name_space() -> None:
    """A client of 2.0 reads urn:vim2."""
    assert b'<CurrentTimeResponse xmlns="urn:vim2">' in write_reply("CurrentTime", str, "x", "vim.version.version1")
    assert b'Fault xmlns="urn:vim2"' in write_fault(vmodl.fault.NotSupported(), "vim.version.version1")


ANY = [
    ("a'b<&", '<v xsi:type="xsd:string">a&apos;b&lt;&amp;</v>'),
    (True, '<v xsi:type="xsd:boolean">true</v>'),
    (7, '<v xsi:type="xsd:int">7</v>'),
    (vim.VirtualMachine("vm-1"), '<v type="VirtualMachine" xsi:type="ManagedObjectReference">vm-1</v>'),
    (vim.VirtualMachine.PowerState("poweredOn"), '<v xsi:type="VirtualMachinePowerState">poweredOn</v>'),
    (vim.Task.Array([]), '<v xsi:type="ArrayOfManagedObjectReference"></v>'),
    (
        vim.option.OptionValue.Array([vim.option.OptionValue(key="k", value="x")]),
        (
            '<v xsi:type="ArrayOfOptionValue"><OptionValue xsi:type="OptionValue"><key>k</key>'
            '<value xsi:type="xsd:string">x</value></OptionValue></v>'
        ),
    ),
    (
        vim.fault.TaskInProgress(task=vim.Task("task-1")),
        (
            '<v xsi:type="LocalizedMethodFault"><fault xsi:type="TaskInProgress"><task type="Task">task-1</task>'
            "</fault><localizedMessage>Another task is already in progress.</localizedMessage></v>"
        ),
    ),
]


@pytest.mark.parametrize(("value", "text"), ANY)
def test_a_value_of_any_type_carries_its_type(value: Any, text: str) -> None:
    """Simple types are xsd's, references name their object's type, arrays their items'."""
    assert value_text("v", object, value, NEW) == text


def test_a_fault_inside_a_fault_is_localized_on_the_wire() -> None:
    """FaultCause is a LocalizedMethodFault in the WSDL, whatever the metadata say."""
    fault = vim.fault.CustomizationFault(
        faultCause=vim.fault.NicSettingMismatch(numberOfNicsInSpec=1, numberOfNicsInVM=2)
    )
    xml = etree.fromstring(write_fault(fault, NEW))
    (cause,) = xml.iter("{urn:vim25}faultCause")
    assert [etree.QName(child).localname for child in cause] == ["fault", "localizedMessage"]


def test_every_fault_has_a_text() -> None:
    """Fields are put in, an own text wins, and a type without any names itself."""
    assert (
        describe(vmodl.fault.InvalidArgument(invalidProperty="spec")) == "A specified parameter was not correct: spec"
    )
    assert describe(vmodl.fault.InvalidArgument()) == "A specified parameter was not correct: "
    assert describe(vmodl.fault.NotSupported(msg="own")) == "own"
    assert (
        describe(vim.fault.MountError(vm=vim.VirtualMachine("vm-1"), diskIndex=0)) == "Cannot complete customization."
    )
    assert describe(vim.fault.AlreadyExists(name="x")) == "The operation failed: AlreadyExists."
