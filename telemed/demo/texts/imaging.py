"""Imaging: requests and reports that fit the generated studies."""

from telemed.demo.texts.case_text import CaseText

IMAGING = (
    CaseText(
        "imaging/head-normal",
        {"modality": "CT", "body_part": "HEAD", "reason": "头晕、头痛一周，血压 138/86 mmHg，神经系统查体未见阳性体征。", "history": "既往体健，无外伤史。"},
        {
            "findings": "颅骨骨质完整。双侧大脑半球灰白质分界清楚，脑实质内未见异常密度影。脑室、脑池大小形态正常，脑沟、脑裂不宽，"
            "中线结构居中。小脑及脑干未见异常。松果体及双侧侧脑室脉络丛见生理性钙化。所示副鼻窦及双侧乳突气房清晰。",
            "impression": "颅脑 CT 平扫未见明显异常。",
        },
        ("ct_head:normal",),
    ),
    CaseText(
        "imaging/head-epidural",
        {"modality": "CT", "body_part": "HEAD", "reason": "骑电动车摔倒致头部外伤 2 小时，伤后短暂昏迷后清醒，现再次嗜睡，GCS 12 分。",
         "question": "是否有颅内血肿？是否需要立即转院手术？"},
        {
            "findings": "右侧颞顶部颅骨内板下见梭形高密度影，边界清楚，最大厚度约 2.4 cm，CT 值约 65 HU，内见小片稍低密度区；邻近脑实质受压，"
            "右侧脑沟变浅，中线结构左移约 0.6 cm。右侧颞骨见线状骨折线，对应部位头皮软组织肿胀。",
            "impression": "1. 右侧颞顶部急性硬膜外血肿，中线结构左移。\n2. 右侧颞骨线状骨折，右侧颞顶部头皮血肿。\n建议立即请神经外科会诊。",
        },
        ("ct_head:epidural",),
        positive=True,
        critical="Acute intracranial haemorrhage",
    ),
    CaseText(
        "imaging/head-subdural",
        {"modality": "CT", "body_part": "HEAD", "reason": "家中跌倒后头痛 6 小时，呕吐 2 次，长期口服阿司匹林。", "history": "高血压病史 15 年，冠心病支架术后。"},
        {
            "findings": "左侧额颞顶部颅骨内板下见新月形高密度影，最大厚度约 1.2 cm，CT 值约 63 HU；大脑镰后部左旁见条状稍高密度影。左侧大脑半球"
            "脑沟变浅，左侧侧脑室受压，中线结构右移约 0.8 cm。颅骨未见明确骨折线。",
            "impression": "左侧额颞顶部急性硬膜下血肿，大脑镰旁少量出血，中线结构右移。建议立即请神经外科会诊。",
        },
        ("ct_head:subdural",),
        positive=True,
        critical="Acute intracranial haemorrhage",
        age=(50, 120),
    ),
    CaseText(
        "imaging/head-haemorrhage",
        {"modality": "CT", "body_part": "HEAD", "reason": "突发右侧肢体无力伴言语不清 1 小时，血压 196/112 mmHg。", "history": "高血压病史 10 余年，未规律服药。",
         "question": "出血还是梗死？"},
        {
            "findings": "左侧基底节区见不规则团块状高密度影，大小约 2.9 cm×4.0 cm×3.4 cm，CT 值约 66 HU，周围见低密度水肿带；双侧侧脑室枕角及第三脑室内"
            "见高密度影。左侧侧脑室受压，中线结构右移约 0.4 cm。颅骨未见骨折。",
            "impression": "左侧基底节区脑出血，破入脑室系统，周围水肿，中线结构轻度右移。考虑高血压性脑出血，请结合临床，短期复查。",
        },
        ("ct_head:haemorrhage",),
        positive=True,
        critical="Acute intracranial haemorrhage",
        age=(40, 120),
    ),
    CaseText(
        "imaging/head-infarct",
        {"modality": "CT", "body_part": "HEAD", "reason": "左侧肢体活动不利 2 年，近日头晕加重，复查。", "history": "脑梗死病史 2 年，2 型糖尿病 8 年。"},
        {
            "findings": "右侧颞顶叶见大片状低密度影，边界清楚，CT 值约 12 HU，邻近脑沟增宽，右侧侧脑室扩大。左侧基底节区见小圆形低密度影。"
            "余脑沟、脑裂增宽。中线结构居中，未见高密度出血灶。",
            "impression": "1. 右侧颞顶叶陈旧性脑梗死，软化灶形成，右侧侧脑室代偿性扩大。\n2. 左侧基底节区腔隙灶。\n3. 脑萎缩。",
        },
        ("ct_head:infarct",),
        positive=True,
        age=(50, 120),
    ),
    CaseText(
        "imaging/hand-fracture",
        {"modality": "DX", "body_part": "HAND", "reason": "握拳击打硬物后右手尺侧肿痛 3 小时，第五掌骨远端压痛明显。"},
        {
            "findings": "右手第五掌骨颈部见横行骨折线，骨皮质不连续，远折端向桡侧、掌侧成角，断端轻度嵌插。余所示各骨骨质结构完整，各关节间隙正常，"
            "未见脱位。手部尺侧软组织肿胀。",
            "impression": "右手第五掌骨颈骨折，远折端成角，周围软组织肿胀。",
        },
        ("hand_xray:fracture",),
        positive=True,
        age=(14, 60),
    ),
    CaseText(
        "imaging/hand-normal",
        {"modality": "DX", "body_part": "HAND", "reason": "右手腕部扭伤一天，活动轻度受限，除外骨折。"},
        {
            "findings": "右手诸骨骨质结构完整，骨皮质连续，骨小梁清晰，未见骨折及脱位征象。各关节间隙正常。周围软组织未见明显肿胀。",
            "impression": "右手正位片未见明显骨折征象，请结合临床，必要时复查。",
        },
        ("hand_xray:normal",),
        age=(14, 120),
    ),
    CaseText(
        "imaging/chest-pneumonia",
        {"modality": "DX", "body_part": "CHEST", "reason": "发热、咳嗽、咳黄痰 4 天，体温最高 39.1 ℃，右下肺可闻及湿啰音。", "history": "白细胞 14.2×10⁹/L，CRP 86 mg/L。"},
        {
            "findings": "胸廓对称，气管居中。右下肺野见片状、斑片状密度增高影，边缘模糊，密度不均；余肺野纹理清晰。双肺门不大，心影形态大小正常。"
            "双膈面光整，肋膈角锐利。所示肋骨未见明显异常。",
            "impression": "右下肺炎症，建议抗感染治疗后 2 周复查。",
        },
        ("chest_xray:pneumonia",),
        positive=True,
    ),
    CaseText(
        "imaging/chest-normal",
        {"modality": "DX", "body_part": "CHEST", "reason": "入职体检；偶有干咳，无发热。"},
        {
            "findings": "胸廓对称，气管居中，纵隔无增宽。双肺纹理清晰，走行自然，肺野内未见实质性病变。双肺门不大。心影形态、大小在正常范围。"
            "双膈面光整，双侧肋膈角锐利。所示骨质未见异常。",
            "impression": "心、肺、膈未见明显异常。",
        },
        ("chest_xray:normal",),
    ),
    CaseText(
        "imaging/pet-lung",
        {"modality": "PT", "body_part": "CHEST", "reason": "右上肺结节 1.8 cm，外院 PET/CT 请会诊，评估良恶性及分期。", "history": "吸烟 30 年，近 3 个月体重下降 4 kg。"},
        {
            "findings": "外院 PET/CT：右肺上叶结节，放射性摄取增高，SUVmax 8.6；纵隔及肺门淋巴结未见异常摄取；其余部位未见异常高代谢灶。",
            "impression": "右肺上叶高代谢结节，考虑恶性可能大，建议穿刺或手术病理证实。",
        },
        positive=True,
        age=(45, 85),
    ),
)  # fmt: skip
