"""What is counted and what it makes the purchase: seats, laptops, chairs, consulting days."""

import re
from dataclasses import dataclass

# Nouns of things that are not software, by kind of purchase: category → pattern of its names.
_HARDWARE = {
    "laptops": (
        r"laptops?|macbooks?(?:\s(?:pros?|airs?))?|thinkpads?|chromebooks?|ultrabooks?"
        r"|notebook\scomputers?|laptop\scomputers?"
    ),
    "monitors": r"monitors?|displays|screens",
    "desktops": r"desktop\s(?:pcs?|computers?)|workstations?|pcs|computers|mini\spcs?|imacs?",
    "servers": r"rack\sservers?|servers?",
    "phones": r"(?:smart|mobile\s|desk\s)?phones?|handsets?|iphones?",
    "tablets": r"tablets?|ipads?",
    "printers": r"(?:label\s|laser\s|3d\s)?printers?|multifunction\sdevices?",
    "headsets": r"headsets?|headphones?",
    "peripherals": r"keyboards?|mice|webcams?|docking\sstations?|docks",
    "network-equipment": (
        r"(?:network\s)?switches|routers?|(?:wi-?fi\s)?access\spoints?|firewall\s(?:appliances?"
        r"|devices?)"
    ),
    "projectors": r"projectors?",
    "cameras": r"(?:security\s)?cameras?",
    "scanners": r"(?:barcode\s|hand\s)?scanners?",
    "storage-devices": r"hard\s(?:drives?|disks?)|ssds?|nas\s(?:devices?|systems?)",
}
_GOODS = {
    "chairs": r"(?:office\s|desk\s|ergonomic\s|conference\s|task\s)*chairs?",
    "desks": r"(?:standing\s|sit-stand\s|office\s|height-adjustable\s)*desks?",
    "furniture": r"tables|shelves|cabinets|lockers|sofas?|office\sfurniture|furniture|lamps",
    "paper": (
        r"reams?(?:\sof(?:\s(?:a4|copy|printer|white))*\spaper)?|(?:copy|printer|a4)\spaper"
        r"|boxes\sof\spaper"
    ),
    "toner": r"(?:toner|ink)(?:\scartridges?)?|cartridges",
    "stationery": r"(?:paper\s)?notebooks?|pens|office\ssupplies|stationery|envelopes|folders",
    "work-clothing": (
        r"uniforms?|safety\s(?:vests?|shoes|boots|gloves|helmets?|goggles)|t-shirts?|hoodies|jackets"
        r"|work\s(?:boots|gloves)|hard\shats?"
    ),
    "packaging": r"(?:cardboard\s|shipping\s)?(?:boxes|cartons)|pallets?",
    "vehicles": r"(?:delivery\s|company\s)?(?:vans?|cars|trucks|bicycles|e-bikes|bikes)|forklifts?",
    "printed-matter": r"business\scards?|brochures|flyers|posters",
    "catering-supplies": r"coffee\s(?:machines?|beans)|mugs|water\sbottles|kilos?\sof\scoffee|kg\sof\scoffee",
}
_SERVICES = {
    "consulting": r"consult(?:ing|ancy|ants?)(?:\s(?:services?|project|engagement))?|advisory\sservices?",
    "security-testing": r"pen(?:etration)?[\s-]?test(?:s|ing)?|security\s(?:audit|assessment|review)s?",
    "audit": r"(?:financial|annual|external|tax)\saudits?|audit\sservices?",
    "cleaning": r"(?:office\s|window\s)?cleaning(?:\s(?:services?|company|contract))?|janitorial\sservices?",
    "training": r"training(?:\s(?:course|courses|sessions?|days?|workshops?))?|workshops?|coaching",
    "translation": r"translations?(?:\sservices?)?|translators?|interpreters?",
    "legal": r"legal\s(?:advice|services?|counsel|review)|law\sfirm",
    "recruiting": r"recruit(?:ing|ment)(?:\s(?:services?|agency))?|headhunt(?:er|ing)|temporary\sworkers",
    "maintenance": r"maintenance(?:\s(?:contract|services?))?|repair\sservices?|facility\smanagement",
    "catering": r"catering(?:\sservices?)?",
    "security-guards": r"security\s(?:guards?|services?)",
    "creative": (
        r"(?:web\s|graphic\s)?design\s(?:agency|services?|work)|copywriting|photographers?"
        r"|video\sproduction|marketing\sagency"
    ),
    "development": (
        r"software\sdevelopment(?:\sservices?)?|contract\sdevelopers?|freelance\s\w+|contractors?"
        r"|freelancers?"
    ),
    "bookkeeping-services": (
        r"bookkeeping\sservices?|payroll\sservices?|accounting\sservices?|tax\sadvis(?:or|ors|ory"
        r"|ers?)"
    ),
    "logistics": (
        r"courier\sservices?|moving\s(?:services?|company)|freight(?:\sforwarding)?"
        r"|shipping\sservices?"
    ),
    "support": r"it\ssupport|support\shours|help\s?desk\sservices?|managed\sservices?",
}
_TABLES = {"hardware": _HARDWARE, "goods": _GOODS, "services": _SERVICES}
_WORKING_TIME = (
    r"(?:(?:wo)?man|person|consult(?:ing|ant|ancy)|working|training|developer|support|billable"
    r"|work)?[\s-]?(?:hours|days)"
    r"|(?:wo)?man-?days|sessions|classes"
)
LICENCES = (
    r"(?:(?:named|full|paid|active|concurrent)\s)?(?:user\s)?(?:seats?|licen[cs]es?|users?"
    r"|subscriptions?|mailboxes|logins)|user\saccounts?|accounts"
)
PEOPLE = (
    r"(?:people|persons?|employees?|staff(?:\smembers?)?|team\smembers?|members?|colleagues?"
    r"|co-?workers|teammates|engineers?|developers?|devs|designers?"
    r"|sales\s?(?:people|persons|reps)|reps|agents|analysts?|managers?|admins|students|teachers"
    r"|pupils|nurses|doctors|workers|folks"
    r"|marketers|accountants|lawyers|recruiters|volunteers|heads|fte?s?|editors|writers|operators"
    r"|technicians|drivers|human\sbeings|of\sus)"
)
_KINDS = "|".join(
    f"(?P<{kind}_{number}>{pattern})"
    for kind, table in _TABLES.items()
    for number, pattern in enumerate(table.values())
)
_CATEGORY = {
    f"{kind}_{number}": (kind, category)
    for kind, table in _TABLES.items()
    for number, category in enumerate(table)
}
_ITEM = re.compile(rf"(?<!\w)(?:{_KINDS})(?!\w)", re.IGNORECASE)
THINGS = "|".join([_WORKING_TIME, *(pattern for table in _TABLES.values() for pattern in table.values())])
_SOFTWARE = re.compile(
    (
        r"(?<!\w)(?:saas|software(?!\s(?:development|developers?|engineers?|consult\w+|training))"
        r"|(?:web\s|cloud\s)?(?:app|application|platform)|online\stool|tool|subscription|licen[cs]es?"
        r"|seats)(?!\w)"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Item:
    """A thing or service named in the text."""

    request_type: str
    category: str
    start: int
    end: int


def items(text: str) -> list[Item]:
    """Return the hardware, goods and services the text names, in order."""
    found = []
    for match in _ITEM.finditer(text):
        kind, category = _CATEGORY[str(match.lastgroup)]
        found.append(Item(kind, category, match.start(), match.end()))
    return found


def software_word(text: str) -> re.Match[str] | None:
    """Return the first word that says "software" without saying which."""
    return _SOFTWARE.search(text)
