"""Made-up patients and doctors. Nobody here exists: the identity numbers use a county code that was never issued."""

from dataclasses import dataclass
from datetime import date

NEVER_ISSUED_COUNTY = "320199"
"""No county has this code in GB/T 2260, so that no identity number built on it can belong to a person."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


@dataclass(frozen=True)
class DemoPatient:
    """A made-up person; `sex` is FHIR's code, `phone` is masked from the start."""

    name: str
    pinyin: str
    """Family and given name for DICOM's alphabetic component group, e.g. `Zhang^Jianguo`."""
    sex: str
    birth_date: date
    resident_id: str
    phone: str
    number: str
    """The patient's number at the member institution, e.g. `P00017`."""

    def age_on(self, day: date) -> int:
        """Full years of age."""
        return day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))


def resident_id(birth_date: date, serial: int, county: str = NEVER_ISSUED_COUNTY) -> str:
    """An 18-character resident identity number with its check character, as GB 11643-1999 computes it.

    `serial` (0-999) is odd for men and even for women.
    """
    if not 0 <= serial <= 999:
        raise ValueError(f"serial {serial} is not within 0-999")
    body = f"{county}{birth_date:%Y%m%d}{serial:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECK_DIGITS[total % 11]


_PEOPLE = (  # name, pinyin, sex, birth date
    ("张建国", "Zhang^Jianguo", "male", "1961-03-05"),
    ("王秀兰", "Wang^Xiulan", "female", "1949-11-18"),
    ("李志强", "Li^Zhiqiang", "male", "1975-07-22"),
    ("刘桂英", "Liu^Guiying", "female", "1953-02-09"),
    ("陈浩然", "Chen^Haoran", "male", "2001-06-30"),
    ("杨丽华", "Yang^Lihua", "female", "1968-09-14"),
    ("赵德明", "Zhao^Deming", "male", "1944-12-01"),
    ("黄晓燕", "Huang^Xiaoyan", "female", "1990-04-25"),
    ("周文斌", "Zhou^Wenbin", "male", "1983-08-17"),
    ("吴玉梅", "Wu^Yumei", "female", "1957-05-03"),
    ("徐海涛", "Xu^Haitao", "male", "1971-10-28"),
    ("孙淑珍", "Sun^Shuzhen", "female", "1946-01-20"),
    ("马俊杰", "Ma^Junjie", "male", "1996-03-11"),
    ("朱雅婷", "Zhu^Yating", "female", "1987-12-06"),
    ("胡长林", "Hu^Changlin", "male", "1951-06-19"),
    ("郭小芳", "Guo^Xiaofang", "female", "1979-02-27"),
    ("何国栋", "He^Guodong", "male", "1964-08-08"),
    ("高凤琴", "Gao^Fengqin", "female", "1959-07-15"),
    ("林子轩", "Lin^Zixuan", "male", "2014-05-21"),
    ("罗春梅", "Luo^Chunmei", "female", "1973-03-29"),
    ("郑永福", "Zheng^Yongfu", "male", "1940-09-02"),
    ("梁静怡", "Liang^Jingyi", "female", "1993-11-10"),
    ("谢立新", "Xie^Lixin", "male", "1969-01-07"),
    ("宋桂芝", "Song^Guizhi", "female", "1955-04-16"),
    ("唐伟民", "Tang^Weimin", "male", "1977-12-23"),
    ("许美玲", "Xu^Meiling", "female", "1962-10-05"),
    ("韩志远", "Han^Zhiyuan", "male", "1985-06-12"),
    ("冯巧云", "Feng^Qiaoyun", "female", "1948-08-30"),
    ("邓家豪", "Deng^Jiahao", "male", "2006-02-18"),
    ("曹慧敏", "Cao^Huimin", "female", "1981-05-27"),
    ("彭大勇", "Peng^Dayong", "male", "1958-11-24"),
    ("曾素芬", "Zeng^Sufen", "female", "1966-07-01"),
    ("欧阳振华", "Ouyang^Zhenhua", "male", "1952-03-17"),
    ("田雨晴", "Tian^Yuqing", "female", "1999-09-09"),
    ("董金宝", "Dong^Jinbao", "male", "1947-10-13"),
    ("潘月娥", "Pan^Yue'e", "female", "1956-12-30"),
    ("袁思成", "Yuan^Sicheng", "male", "1991-01-31"),
    ("蔡红霞", "Cai^Hongxia", "female", "1970-06-06"),
    ("余明辉", "Yu^Minghui", "male", "1963-02-14"),
    ("杜爱珍", "Du^Aizhen", "female", "1945-05-08"),
    ("叶建平", "Ye^Jianping", "male", "1974-04-04"),
    ("程诗涵", "Cheng^Shihan", "female", "2009-08-26"),
    ("魏来福", "Wei^Laifu", "male", "1942-07-07"),
    ("吕彩霞", "Lv^Caixia", "female", "1960-09-19"),
)


def _patient(index: int, name: str, pinyin: str, sex: str, born: str) -> DemoPatient:
    birth_date = date.fromisoformat(born)
    serial = 900 + 2 * index + (1 if sex == "male" else 0)
    return DemoPatient(
        name=name,
        pinyin=pinyin,
        sex=sex,
        birth_date=birth_date,
        resident_id=resident_id(birth_date, serial),
        phone=f"138****{index + 1:04d}",
        number=f"P{index + 1:05d}",
    )


PATIENTS: tuple[DemoPatient, ...] = tuple(_patient(index, *row) for index, row in enumerate(_PEOPLE))
