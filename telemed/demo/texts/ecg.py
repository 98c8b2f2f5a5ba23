"""ECG: requests and reports that fit the generated tracings."""

from telemed.demo.texts.case_text import CaseText

ECG = (
    CaseText(
        "ecg/sinus",
        {"reason": "术前常规检查，无胸闷、心悸。", "recording": "resting"},
        {
            "findings": "窦性心律，心率 72 次/分。P 波形态正常，P-R 间期 160 ms，QRS 时限 90 ms，QT/QTc 380/416 ms，电轴不偏。各导联 ST 段未见偏移，T 波方向正常。",
            "impression": "1. 窦性心律。\n2. 正常心电图。",
        },
        ("ecg:sinus",),
    ),
    CaseText(
        "ecg/inferior-infarction",
        {"reason": "上腹部胀痛伴恶心、出汗 1 小时。", "recording": "resting", "chest_pain": True, "history": "2 型糖尿病 8 年。"},
        {
            "findings": "窦性心律，心率 62 次/分。II、III、aVF 导联 ST 段弓背向上抬高 0.2-0.3 mV，I、aVL 导联 ST 段压低。",
            "impression": "1. 窦性心律。\n2. 急性下壁心肌梗死，请立即处理并加做右胸导联。",
        },
        ("ecg-dicom:inferior-infarction",),
        positive=True,
        critical="Acute ST-elevation infarction",
        age=(45, 120),
    ),
    CaseText(
        "ecg/sinus-pause",
        {"reason": "反复黑矇 1 周，今晨晕倒一次。", "recording": "resting", "history": "未服用减慢心率的药物。"},
        {
            "findings": "窦性心律，可见长 R-R 间歇，最长约 3.2 s，其间未见 P 波。",
            "impression": "1. 窦性心律。\n2. 窦性停搏。\n建议动态心电图检查，评估起搏器指征。",
        },
        ("ecg-dicom:sinus-pause",),
        positive=True,
        critical="Pause of 3 s or more",
        age=(40, 120),
    ),
    CaseText(
        "ecg/ventricular-tachycardia-run",
        {"reason": "阵发心悸伴头晕 2 天。", "recording": "resting", "history": "陈旧性心肌梗死 3 年。"},
        {
            "findings": "窦性心律，可见一阵连续出现的宽大畸形 QRS 波群，频率约 170 次/分，其后恢复窦性心律。",
            "impression": "1. 窦性心律。\n2. 短阵室性心动过速。",
        },
        ("ecg:ventricular-tachycardia-run",),
        positive=True,
        age=(45, 120),
    ),
    CaseText(
        "ecg/ventricular-paced",
        {"reason": "起搏器植入术后半年复查。", "recording": "resting", "pacemaker": True},
        {
            "findings": "心室起搏心律，起搏频率约 70 次/分，每个起搏信号后均有宽 QRS 波群。",
            "impression": "1. 心室起搏心律。\n2. 起搏功能未见异常。",
        },
        ("ecg-dicom:ventricular-paced",),
        age=(55, 120),
    ),
    CaseText(
        "ecg/limb-lead-reversal",
        {"reason": "入职体检。", "recording": "resting"},
        {
            "findings": "I 导联 P-QRS-T 均倒置，aVR 与 aVL 图形互换，V5、V6 导联图形正常。",
            "impression": "左右手电极反接，请重做。",
        },
        ("ecg:limb-lead-reversal",),
        age=(18, 60),
    ),
    CaseText(
        "ecg/holter",
        {"reason": "阵发心悸、头晕 1 周，门诊心电图未捕捉到发作。", "recording": "holter", "history": "高血压病史 10 年，口服氨氯地平。"},
        {
            "findings": "24 小时动态心电图：窦性心律，平均心率 69 次/分；室性早搏、室上性早搏少量；短阵室性心动过速 1 阵；阵发性心房颤动 1 阵；最长停搏 4.4 s。",
            "impression": "1. 窦性心律。\n2. 阵发性心房颤动。\n3. 窦性停搏，最长 4.4 s。\n4. 短阵室性心动过速。",
        },
        ("ecg-holter:day",),
        positive=True,
        critical="Pause of 3 s or more",
        age=(55, 120),
    ),
    CaseText(
        "ecg/bradycardia",
        {"reason": "乏力、头晕半月，脉搏慢。", "recording": "resting", "history": "口服美托洛尔 47.5 mg 每日一次。"},
        {
            "findings": "窦性心律，心率 41 次/分，P-R 间期 170 ms，QRS 时限 92 ms，各导联 ST-T 未见异常改变。",
            "impression": "窦性心动过缓，请结合用药情况，必要时行动态心电图检查。",
        },
        ("ecg:bradycardia",),
        positive=True,
    ),
    CaseText(
        "ecg/atrial-fibrillation",
        {"reason": "阵发性心悸 2 天，加重伴胸闷 3 小时。", "recording": "resting", "history": "高血压病史 12 年。"},
        {
            "findings": "P 波消失，代之以大小、形态、间距不等的 f 波，V1 导联明显；R-R 间期绝对不齐，平均心室率 96 次/分。QRS 时限 88 ms，形态正常。"
            "V5、V6 导联 T 波低平。",
            "impression": "1. 心房颤动。\n2. T 波改变。\n建议评估抗凝指征。",
        },
        ("ecg:atrial-fibrillation",),
        positive=True,
        age=(50, 120),
    ),
    CaseText(
        "ecg/anterior-infarction",
        {"reason": "突发胸骨后压榨样疼痛 40 分钟，伴大汗，含服硝酸甘油不缓解。", "recording": "resting", "chest_pain": True, "history": "吸烟 20 年，高脂血症。"},
        {
            "findings": "窦性心律，心率 94 次/分。V1～V4 导联 ST 段弓背向上抬高 0.25～0.45 mV，V2～V3 呈 QS 型；II、III、aVF 导联 ST 段压低 0.1 mV。",
            "impression": "1. 窦性心律。\n2. 急性前间壁、前壁 ST 段抬高型心肌梗死。\n危急值：请立即启动胸痛中心流程。",
        },
        ("ecg:anterior-infarction",),
        positive=True,
        critical="Acute ST-elevation infarction",
        age=(40, 120),
    ),
    CaseText(
        "ecg/complete-block",
        {"reason": "晕厥 1 次，查体心率 37 次/分，心音强弱不等。", "recording": "resting"},
        {
            "findings": "P 波规律出现，频率 88 次/分；QRS 波群规律出现，频率 37 次/分；P 波与 QRS 波群无固定关系。QRS 时限 138 ms，呈宽大畸形。",
            "impression": "三度房室传导阻滞，室性逸搏心律（37 次/分）。危急值：建议立即转上级医院评估起搏治疗。",
        },
        ("ecg:complete-block",),
        positive=True,
        critical="Third-degree AV block",
        age=(55, 120),
    ),
    CaseText(
        "ecg/ventricular-ectopics",
        {"reason": "心悸、漏搏感 1 周，情绪紧张时明显。", "recording": "resting"},
        {
            "findings": "窦性心律，心率 74 次/分。可见提前出现的宽大畸形 QRS 波群，其前无相关 P 波，T 波与主波方向相反，代偿间歇完全，10 秒内见 2 次。",
            "impression": "1. 窦性心律。\n2. 频发室性早搏。\n建议动态心电图及电解质检查。",
        },
        ("ecg:ventricular-ectopics",),
        positive=True,
    ),
    CaseText(
        "ecg/right-bundle-branch-block",
        {"reason": "体检，无不适主诉。", "recording": "resting"},
        {
            "findings": "窦性心律，心率 72 次/分。V1 导联呈 rsR′ 型，I、V5、V6 导联 S 波增宽，QRS 时限 136 ms，V1 导联 T 波倒置。",
            "impression": "1. 窦性心律。\n2. 完全性右束支传导阻滞。",
        },
        ("ecg:right-bundle-branch-block",),
        positive=True,
    ),
    CaseText(
        "ecg/left-ventricular-hypertrophy",
        {"reason": "高血压随访，活动后气促。", "recording": "resting", "history": "高血压病史 18 年，最高 180/105 mmHg。"},
        {
            "findings": "窦性心律，心率 68 次/分。RV5+SV1＝4.6 mV，V5、V6 导联 ST 段下斜型压低 0.1 mV，T 波倒置。",
            "impression": "1. 窦性心律。\n2. 左心室肥厚伴劳损，建议超声心动图检查。",
        },
        ("ecg:left-ventricular-hypertrophy",),
        positive=True,
        age=(40, 120),
    ),
)  # fmt: skip
