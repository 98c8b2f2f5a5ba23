"""The demo region: made-up institutions, who answers for whom, and everybody's account. Data only."""

from telemed.domain import device_networks
from telemed.domain.network import ApplicationEntity, HubService, Institution, Level, Network
from telemed.domain.people import Person, Role

CENTRES = ("consultation", "imaging", "ecg", "lab", "pathology")
PASSWORD = "telemed-demo"  # noqa: S105  # printed at every start of the demo: not a secret

CITY_A, CITY_B = "江临市", "湖安市"

CONTACT_PHONES = {"CLINIC1": "000-0000-2011", "CLINIC2": "000-0000-2012", "CLINIC3": "000-0000-2013"}
"""The requesting doctors' telephones. No exchange has such numbers."""

INSTITUTIONS: tuple[Institution, ...] = (
    Institution(
        "MAIN", "金陵湾医学中心（演示）", "Jinling Bay Medical Centre (demo)", Level.MAIN_HUB, CITY_A, "滨江区", phone="000-0000-1001"
    ),
    Institution(
        "HUBA", "江临市中心医院（演示）", "Jianglin Central Hospital (demo)", Level.SUB_HUB, CITY_A, "钟楼区", phone="000-0000-1002"
    ),
    Institution("HUBB", "湖安市第一医院（演示）", "Hu'an First Hospital (demo)", Level.SUB_HUB, CITY_B, "湖滨区", phone="000-0000-1003"),
    Institution(
        "CLINIC1",
        "江北社区卫生服务中心（演示）",
        "Jiangbei Community Health Centre (demo)",
        Level.MEMBER,
        CITY_A,
        "江北区",
        phone="000-0000-2001",
    ),
    Institution(
        "CLINIC2", "秦溪镇卫生院（演示）", "Qinxi Township Health Centre (demo)", Level.MEMBER, CITY_A, "秦溪区", phone="000-0000-2002"
    ),
    Institution(
        "CLINIC3",
        "湖西街道社区卫生服务中心（演示）",
        "Huxi Community Health Centre (demo)",
        Level.MEMBER,
        CITY_B,
        "湖西区",
        phone="000-0000-2003",
    ),
    Institution(
        "NETWORK",
        "区域远程医疗运行中心（演示）",
        "Regional Telemedicine Operations (demo)",
        Level.OPERATOR,
        CITY_A,
        "滨江区",
        phone="000-0000-3001",
    ),
)

LOOPBACK = frozenset(device_networks.LOOPBACK)
"""Where the demo's devices call from: the machine that it runs on."""

DEVICES = tuple(ApplicationEntity(each.code, each.code, calls_from=LOOPBACK) for each in INSTITUTIONS if each.level != Level.OPERATOR)
"""Each institution calls with its code as AE title."""

DISTRICTS = (
    f"{CITY_A} 滨江区", f"{CITY_A} 钟楼区", f"{CITY_A} 江北区", f"{CITY_A} 秦溪区", f"{CITY_A} 云台区",
    f"{CITY_B} 湖滨区", f"{CITY_B} 湖西区", f"{CITY_B} 青屿区",
)  # fmt: skip
"""The districts that the network is to cover: two have nobody yet."""

ECG_REQUESTS = ("CLINIC2",)
"""Members whose carts' every ECG is a request."""

HOME_HUBS: dict[str, str] = {"CLINIC1": "HUBA", "CLINIC2": "HUBA", "CLINIC3": "HUBB"}
"""The same sub-hub in all five centres."""

SUB_HUB_COVERS: dict[str, frozenset[str] | None] = {
    "consultation": None,
    "imaging": frozenset({"CT", "MR", "DX", "CR", "US", "MG", "RF", "XA", "OT"}),  # no nuclear medicine
    "ecg": None,
    "lab": None,
    "pathology": None,
}

ALL_KINDS = frozenset({"diagnosis", "consultation"})


def hub_services() -> tuple[HubService, ...]:
    """Return the services of each hub in each centre: sub-hubs below MAIN, everybody round the clock, two signatures at MAIN."""
    services = []
    for centre in CENTRES:
        services.append(HubService("MAIN", centre, two_person=ALL_KINDS))
        services.extend(HubService(hub, centre, parent="MAIN", covers=SUB_HUB_COVERS[centre]) for hub in ("HUBA", "HUBB"))
    return tuple(services)


def network() -> Network:
    """The whole region as the routing rules see it."""
    return Network(
        institutions={institution.code: institution for institution in INSTITUTIONS},
        services={(service.centre, service.hub): service for service in hub_services()},
        home_hubs={(centre, member): hub for centre in CENTRES for member, hub in HOME_HUBS.items()},
    )


SPECIALISTS: dict[str, dict[str, tuple[str, str]]] = {  # hub: account's first part: name, title
    "HUBA": {
        "consult": ("顾明远", "副主任医师"), "imaging": ("张晓峰", "主治医师"), "ecg": ("沈佳宁", "主治医师"),
        "lab": ("许文静", "主管技师"), "pathology": ("陆天成", "主治医师"),
    },
    "HUBB": {
        "consult": ("夏雨霖", "主治医师"), "imaging": ("钱志航", "主治医师"), "ecg": ("汤思敏", "主治医师"),
        "lab": ("丁可欣", "主管技师"), "pathology": ("范立群", "副主任医师"),
    },
    "MAIN": {
        "consult": ("方仲谦", "主任医师"), "imaging": ("李若冰", "副主任医师"), "ecg": ("蒋海岩", "副主任医师"),
        "lab": ("姚书琴", "副主任技师"), "pathology": ("章怀瑾", "副主任医师"),
    },
}  # fmt: skip
REVIEWERS: dict[str, tuple[str, str]] = {
    "consult2": ("温景行", "主任医师"), "imaging2": ("贺启明", "主任医师"), "ecg2": ("白慕云", "主任医师"),
    "lab2": ("任守信", "主任技师"), "pathology2": ("秦子衿", "主任医师"),
}  # fmt: skip
MEMBER_STAFF: dict[str, tuple[str, str]] = {
    "CLINIC1": ("陶小满", "全科医师"), "CLINIC2": ("季长青", "全科医师"), "CLINIC3": ("江月白", "全科医师"),
}  # fmt: skip


def _centre_of(prefix: str) -> str:
    name = prefix.rstrip("2")
    return "consultation" if name == "consult" else name


def accounts() -> tuple[Person, ...]:
    """Everybody who can sign in, all with PASSWORD."""
    people = [
        Person(code.lower(), name, code, frozenset({Role.MEMBER_STAFF}), frozenset(CENTRES), title)
        for code, (name, title) in MEMBER_STAFF.items()
    ]
    for hub, doctors in SPECIALISTS.items():
        people.extend(
            Person(f"{prefix}.{hub.lower()}", name, hub, frozenset({Role.SPECIALIST}), frozenset({_centre_of(prefix)}), title)
            for prefix, (name, title) in doctors.items()
        )
    people.extend(
        Person(f"{prefix}.main", name, "MAIN", frozenset({Role.REVIEWER}), frozenset({_centre_of(prefix)}), title)
        for prefix, (name, title) in REVIEWERS.items()
    )
    people.extend(
        Person(username, name, "NETWORK", frozenset({role}), frozenset(), title)
        for username, name, role, title in (
            ("operator", "运行值班", Role.OPERATOR, "运行管理员"),
            ("sysadmin", "系统管理", Role.SYSTEM_ADMINISTRATOR, "系统管理员"),
            ("secadmin", "安全管理", Role.SECURITY_ADMINISTRATOR, "安全管理员"),
            ("auditor", "审计管理", Role.AUDITOR, "审计员"),
        )
    )
    return tuple(people)
