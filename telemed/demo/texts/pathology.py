"""Pathology: requests and reports that fit the generated microscope pictures."""

from telemed.demo.texts.case_text import CaseText

PATHOLOGY = (
    CaseText(
        "pathology/chronic-gastritis",
        {"reason": "请明确胃窦黏膜病变性质。", "procedure": "biopsy", "site": "胃窦", "history": "上腹隐痛、反酸半年，胃镜示胃窦黏膜充血、红白相间。", "gross": "灰白组织 2 粒，直径 0.2 cm。"},
        {"gross": "灰白色黏膜组织 2 粒，直径约 0.2 cm，全埋。", "microscopic": "胃窦黏膜腺体排列尚规则，大小较一致，固有层见中等量淋巴细胞、浆细胞浸润，少量中性粒细胞，"
         "未见肠上皮化生及异型增生。", "diagnosis": "（胃窦）黏膜慢性活动性炎（中度）。"},
        ("microscopy:gastritis",),
    ),
    CaseText(
        "pathology/sigmoid-adenocarcinoma",
        {"reason": "乙状结肠肿物，请明确性质。", "procedure": "biopsy", "site": "乙状结肠（距肛 25 cm）", "history": "间断便血 2 个月，肠镜见环腔溃疡型肿物。", "gross": "灰红碎组织一堆，0.6 cm。"},
        {"gross": "灰红灰白碎组织 5 粒，共 0.6 cm×0.5 cm×0.2 cm，全埋。", "microscopic": "正常腺体结构破坏，见异型腺体浸润性生长，腺体大小不一、相互融合，部分呈筛状，"
         "细胞核增大、深染、极向紊乱，核分裂象易见，间质促纤维反应。", "diagnosis": "（乙状结肠）腺癌，中分化。"},
        ("microscopy:adenocarcinoma",), positive=True, critical="Unexpected malignancy", age=(40, 90),
    ),
    CaseText(
        "pathology/tubular-adenoma",
        {"reason": "横结肠息肉切除标本，请明确类型及切缘。", "procedure": "resection", "site": "横结肠", "operation": "肠镜下见 0.8 cm 有蒂息肉，圈套切除。"},
        {"gross": "息肉样组织一枚，0.8 cm×0.6 cm×0.5 cm，蒂长 0.3 cm，切缘涂墨，全埋。", "microscopic": "腺体呈管状，密集排列，上皮细胞核呈杆状、假复层，深染，"
         "异型性局限于腺体下半部，未见高级别异型增生，切缘未见腺瘤组织。", "diagnosis": "（横结肠）管状腺瘤，低级别异型增生；切缘阴性。"},
        ("microscopy:adenoma",), positive=True, age=(35, 90),
    ),
    CaseText(
        "pathology/frozen-gastric-margin",
        {"reason": "术中冰冻：胃癌根治术，请报告近端切缘有无癌累及。", "procedure": "frozen", "site": "胃近端切缘", "operation": "胃体小弯侧溃疡型肿物，行根治性全胃切除。"},
        {"gross": "条状黏膜组织一条，2.0 cm×0.5 cm×0.4 cm。", "microscopic": "胃黏膜组织，腺体规则，间质慢性炎细胞浸润，未见癌累及。", "diagnosis": "（近端切缘）冰冻切片未见癌，待石蜡切片证实。"},
        ("microscopy:gastritis",), age=(45, 85),
    ),
    CaseText(
        "pathology/frozen-gastric-mass",
        {"reason": "术中冰冻：胃体肿块良恶性？决定切除范围。", "procedure": "frozen", "site": "胃体", "operation": "胃体后壁肿块 3 cm，质硬，浆膜面凹陷。"},
        {"gross": "灰白质硬组织一块，1.5 cm×1.2 cm×0.6 cm。", "microscopic": "间质中见异型腺体浸润，核大深染，腺腔内见坏死。", "diagnosis": "（胃体）冰冻切片：腺癌，待石蜡切片分型。"},
        ("microscopy:adenocarcinoma",), positive=True, critical="Unexpected malignancy", age=(45, 85),
    ),
    CaseText(
        "pathology/gastric-ulcer",
        {"reason": "胃角溃疡，除外恶变。", "procedure": "biopsy", "site": "胃角", "history": "黑便 3 天，幽门螺杆菌阳性。", "gross": "灰红组织 4 粒。"},
        {"gross": "灰红色黏膜组织 4 粒，直径 0.1～0.3 cm，全埋。", "microscopic": "黏膜慢性炎，表面见炎性渗出及肉芽组织，腺体反应性增生，未见异型腺体。", "diagnosis": "（胃角）黏膜慢性活动性炎伴溃疡形成，建议治疗后复查。"},
        ("microscopy:gastritis",), positive=True,
    ),
    CaseText(
        "pathology/rectal-polyp",
        {"reason": "直肠息肉，请明确性质。", "procedure": "biopsy", "site": "直肠", "history": "体检肠镜发现 0.5 cm 广基息肉。", "gross": "灰白组织 1 粒，0.4 cm。"},
        {"gross": "灰白组织 1 粒，直径 0.4 cm，全埋。", "microscopic": "腺体管状增生，密集，细胞核杆状假复层，轻度异型。", "diagnosis": "（直肠）管状腺瘤，低级别异型增生。"},
        ("microscopy:adenoma",), positive=True, age=(30, 90),
    ),
    CaseText(
        "pathology/colon-second-opinion",
        {"reason": "外院诊断“升结肠绒毛状管状腺瘤伴高级别异型增生”，临床疑癌变，请会诊切片。", "procedure": "resection", "site": "升结肠", "history": "肠镜见 2.5 cm 广基肿物。"},
        {"gross": "会诊切片 6 张（HE），蜡块 2 块。", "microscopic": "部分区域腺体呈筛状、融合，突破黏膜肌层，间质促纤维反应，细胞核极向消失。", "diagnosis": "（升结肠）腺癌，中分化，在腺瘤基础上癌变，浸润至黏膜下层。"},
        ("microscopy:adenocarcinoma",), positive=True, age=(40, 90),
    ),
)  # fmt: skip
