import pytest

from procur.vendors.enrichment.compliance import observe
from procur.vendors.vocabulary import load

VOCABULARY = load()


def said(page, html):
    return {each.field.removeprefix("framework:"): each.value for each in observe(page(html), VOCABULARY)}


SENTENCES = {
    "We are SOC 2 Type II certified.": {"soc2": ("certified", "II")},
    "Our SOC 2 Type 2 report is available under NDA.": {"soc2": ("report", "II")},
    "SOC 2 Type I attestation completed.": {"soc2": ("report", "I")},
    "ISO 27001 certification is in progress, expected in Q3.": {"iso27001": ("in_progress", None)},
    "We are working towards SOC 2 Type II; ISO/IEC 27001:2022 certified since 2020.": {
        "soc2": ("in_progress", "II"),
        "iso27001": ("certified", None),
    },
    "SOC 2, ISO 27001 and GDPR compliant.": dict.fromkeys(("soc2", "iso27001", "gdpr"), ("claimed", None)),
    "We are not HIPAA compliant.": {"hipaa": ("denied", None)},
    "We are not HIPAA, PCI or FedRAMP compliant.": dict.fromkeys(
        ("hipaa", "pci-dss", "fedramp"), ("denied", None)
    ),
    "We are SOC 2 certified, but not HIPAA compliant.": {
        "soc2": ("certified", None),
        "hipaa": ("denied", None),
    },
    "Although we are not FedRAMP authorized, we hold ISO 27001 certification.": {
        "fedramp": ("denied", None),
        "iso27001": ("certified", None),
    },
    "We do not sell data and are GDPR compliant.": {"gdpr": ("claimed", None)},
    "We don't sign BAAs and HIPAA isn't supported.": {"hipaa": ("denied", None)},
    "We are not only SOC 2 certified but also ISO 27001 certified.": dict.fromkeys(
        ("soc2", "iso27001"), ("certified", None)
    ),
    "Are you HIPAA compliant? No.": {"hipaa": ("denied", None)},
    "Are you HIPAA compliant? Yes, we sign BAAs.": {"hipaa": ("claimed", None)},
    "Need HIPAA?": {},
    "Hosted on AWS, which is SOC 2 and ISO 27001 certified.": {},
    "Our data centers are ISO 27001 certified.": {},
    "We help you become GDPR compliant.": {},
    "Our ISO 27001 certificate expired in 2022.": {},
    "We love security.": {},
    "We are not yet SOC 2 certified.": {"soc2": ("denied", None)},
    "We are not SOC 2 certified yet.": {"soc2": ("denied", None)},
    "We have not yet completed our SOC 2 Type II report.": {"soc2": ("denied", None)},
    "Acme is not yet HIPAA compliant.": {"hipaa": ("denied", None)},
    "We have yet to become HIPAA compliant.": {"hipaa": ("denied", None)},
    "SOC 2 Type II: not yet": {"soc2": ("denied", None)},
    "We do not (currently) hold ISO 27001 certification.": {"iso27001": ("denied", None)},
    "We are not, at this time, SOC 2 certified.": {"soc2": ("denied", None)},
    "We do not have, nor plan to get, ISO 27001.": {"iso27001": ("denied", None)},
    "A SOC 2 certificate is not something we have.": {"soc2": ("denied", None)},
    "We have no SOC 2 report.": {"soc2": ("denied", None)},
    "We were SOC 2 certified in 2019.": {},
    "There are no exceptions in our SOC 2 report.": {"soc2": ("report", None)},
    "Our SOC 2 report was issued with no exceptions noted.": {"soc2": ("report", None)},
    "Without a doubt we are SOC 2 certified.": {"soc2": ("certified", None)},
    "Our non-profit plan is GDPR compliant.": {"gdpr": ("claimed", None)},
    # What is not certain is neither a claim nor a denial: a person looks.
    "Nothing goes live without a SOC 2 audit.": {},
    "Our SOC 2 report is not publicly shared.": {},
    "We do not charge for our SOC 2 report.": {},
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(page, sentence):
    found = {
        name: (value["status"], value.get("type")) for name, value in said(page, f"<p>{sentence}</p>").items()
    }
    assert found == SENTENCES[sentence]


def test_a_trust_page(page):
    html = """
    <nav><a href="/hipaa">HIPAA</a></nav><h1>Trust center</h1>
    <div class="badges"><div class="badge"><img alt=""><span>SOC 2</span></div>
    <div class="badge"><span>GDPR</span></div></div>
    <section><h3>SOC 2</h3>
    <p>An independent auditor's <strong>SOC 2 Type II</strong> report is available on request.</p></section>
    <table><tr><th>Framework</th><th>Status</th></tr><tr><td>PCI DSS</td><td>No</td></tr>
      <tr><td>TISAX</td><td>Planned</td></tr><tr><td>CCPA</td><td>✓</td></tr><tr><td>FedRAMP</td><td>✗</td></tr></table>
    <h3>HIPAA</h3> <p>Not currently supported.</p>
    <dl><dt>ISO 27001</dt><dd>Certified since 2019</dd></dl>
    """
    assert {name: value["status"] for name, value in said(page, html).items()} == {
        "soc2": "report", "gdpr": "claimed", "pci-dss": "denied", "tisax": "in_progress", "ccpa": "claimed",
        "fedramp": "denied", "hipaa": "denied", "iso27001": "certified",
    }  # fmt: skip
    assert said(page, html)["soc2"]["type"] == "II"


def test_a_denial_outweighs_a_badge(page):
    html = "<ul><li>HIPAA</li></ul><p>HIPAA compliant hosting</p><p>We are not HIPAA compliant.</p>"
    [found] = observe(page(html), VOCABULARY)
    assert found.value == {"status": "denied"}
    assert found.quote == "We are not HIPAA compliant."


@pytest.mark.parametrize("html", ["", "<", "<p>" * 5000, "<td>HIPAA" * 50, "\x00HIPAA\x00"])
def test_odd_pages_do_no_harm(page, html):
    said(page, html)
