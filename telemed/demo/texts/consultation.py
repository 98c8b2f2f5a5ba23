"""Teleconsultation: summaries, questions, and opinions."""

from telemed.demo.texts.case_text import CaseText

CONSULTATION = (
    CaseText(
        "consultation/heart-failure",
        {"reason": "反复气促、下肢水肿半年，利尿效果差，请指导治疗方案。", "speciality": "CARDIOLOGY", "title": "associate",
         "summary": "男性患者，高血压病史 20 年。近半年活动后气促，夜间不能平卧，双下肢凹陷性水肿。NT-proBNP 4 860 pg/mL，超声示 LVEF 34%，左室扩大。"
         "现用呋塞米 40 mg/日、培哚普利 4 mg/日。", "working_diagnosis": "慢性心力衰竭（射血分数降低型），心功能 III 级"},
        {"opinion": "诊断成立。目前利尿剂剂量不足，且未使用 β 受体阻滞剂、醛固酮受体拮抗剂及 SGLT2 抑制剂。",
         "recommendation": "1. 呋塞米加量至 40 mg 每日两次，记录体重及出入量。\n2. 加用螺内酯 20 mg/日、达格列净 10 mg/日，监测血钾及肾功能。\n"
         "3. 水肿消退后小剂量起始美托洛尔缓释片。\n4. 2 周后复诊，血压允许时换用沙库巴曲缬沙坦。"},
        ("referral:summary", "consent:patient"), age=(45, 120), sex="male",
    ),
    CaseText(
        "consultation/stroke-secondary-prevention",
        {"reason": "脑梗死恢复期，双联抗血小板治疗疗程及血压目标请指导。", "speciality": "NEUROLOGY", "title": "attending",
         "summary": "3 周前急性脑梗死（左侧放射冠），NIHSS 3 分，现用阿司匹林 100 mg、氯吡格雷 75 mg、阿托伐他汀 40 mg，血压 150～160/90 mmHg。",
         "working_diagnosis": "脑梗死恢复期；高血压 2 级"},
        {"opinion": "轻型卒中，双抗治疗 21 天疗程已满，可改为单抗。血压控制未达标。",
         "recommendation": "1. 停用氯吡格雷，长期阿司匹林 100 mg/日。\n2. 加用氨氯地平 5 mg/日，目标 <140/90 mmHg，可耐受者 <130/80 mmHg。\n3. LDL-C 目标 <1.8 mmol/L。\n4. 康复训练。"},
        ("referral:summary", "consent:patient"), age=(45, 120),
    ),
    CaseText(
        "consultation/copd-exacerbation",
        {"reason": "慢阻肺急性加重，氧合改善不佳，是否需要转院无创通气？", "speciality": "RESPIRATORY", "title": "associate",
         "summary": "慢阻肺 10 年，受凉后咳喘加重 3 天。SpO₂ 86%（鼻导管 3 L/min），血气：pH 7.31，PaCO₂ 68 mmHg，PaO₂ 54 mmHg。已用雾化、甲泼尼龙 40 mg、头孢曲松。",
         "working_diagnosis": "慢性阻塞性肺疾病急性加重，II 型呼吸衰竭"},
        {"opinion": "失代偿性呼吸性酸中毒，符合无创通气指征，基层条件不足时应尽快转院。",
         "recommendation": "1. 立即联系转诊至上级医院呼吸科，途中持续低流量吸氧，目标 SpO₂ 88%～92%。\n2. 继续雾化吸入短效支气管舒张剂及全身激素。\n3. 途中备简易呼吸器，监测意识。"},
        ("referral:summary", "consent:patient"), critical="Needs transfer at once", age=(50, 120),
    ),
    CaseText(
        "consultation/paediatric-fever",
        {"reason": "患儿反复发热 6 天，皮疹、结膜充血，是否川崎病？", "speciality": "PAEDIATRICS", "title": "chief",
         "summary": "患儿发热 6 天，体温 38.5～39.8 ℃，双眼结膜充血，口唇皲裂，躯干红斑疹，颈部淋巴结 1.8 cm。CRP 92 mg/L，血小板 468×10⁹/L。",
         "working_diagnosis": "发热待查：川崎病？"},
        {"opinion": "发热超过 5 天，满足 4 项主要临床表现，川崎病诊断可能性大。",
         "recommendation": "1. 尽快转儿科住院，行超声心动图评估冠状动脉。\n2. 发病 10 天内予静脉注射免疫球蛋白 2 g/kg。\n3. 口服阿司匹林，监测体温及血小板。"},
        ("referral:summary", "consent:guardian"), age=(0, 14),
    ),
    CaseText(
        "consultation/lung-nodule",
        {"reason": "体检 CT 发现右肺磨玻璃结节 9 mm，患者焦虑，请指导随访或手术。", "speciality": "ONCOLOGY", "title": "associate",
         "summary": "无症状，不吸烟。胸部 CT：右肺上叶尖段纯磨玻璃结节 9 mm，边界清，无分叶毛刺。无肿瘤家族史。", "working_diagnosis": "右肺上叶磨玻璃结节"},
        {"opinion": "9 mm 纯磨玻璃结节，生长缓慢的可能性大，目前无立即手术指征。",
         "recommendation": "1. 3 个月后复查薄层 CT，稳定者此后每年复查。\n2. 如增大超过 2 mm 或出现实性成分，转胸外科。\n3. 心理疏导。"},
        ("referral:summary", "consent:patient"), age=(30, 85),
    ),
    CaseText(
        "consultation/gallstones",
        {"reason": "右上腹痛反复发作，胆囊结石，手术时机请指导。", "speciality": "SURGERY", "title": "attending",
         "summary": "半年内右上腹痛发作 4 次，进食油腻后明显。超声：胆囊多发结石，最大 1.2 cm，壁厚 4 mm，胆总管 6 mm。肝功能正常。", "working_diagnosis": "慢性结石性胆囊炎"},
        {"opinion": "有症状的胆囊结石，反复发作，具备择期腹腔镜胆囊切除指征。",
         "recommendation": "1. 预约普外科门诊，完善术前检查及 MRCP。\n2. 低脂饮食。\n3. 若发热、黄疸或疼痛持续超过 6 小时，立即急诊。"},
        ("referral:summary", "consent:patient"), age=(20, 85),
    ),
    CaseText(
        "consultation/diabetes-insulin",
        {"reason": "口服三种降糖药血糖仍不达标，请指导胰岛素起始方案。", "speciality": "内分泌科", "title": "attending",
         "summary": "2 型糖尿病 11 年，二甲双胍 2 g/日、格列美脲 4 mg/日、西格列汀 100 mg/日，空腹血糖 10～12 mmol/L，HbA1c 9.6%，BMI 24.8。", "working_diagnosis": "2 型糖尿病，血糖控制不佳"},
        {"opinion": "三联口服药失效，应启动基础胰岛素。",
         "recommendation": "1. 甘精胰岛素睡前 10 U 起始，每 3 天按空腹血糖调整 2 U，目标 4.4～7.0 mmol/L。\n2. 保留二甲双胍，格列美脲减至 2 mg。\n3. 低血糖教育，查尿微量白蛋白及眼底。"},
        ("referral:summary", "consent:patient"), age=(35, 85),
    ),
    CaseText(
        "consultation/chest-pain-clinic",
        {"reason": "活动后胸闷 2 个月，是否需要冠脉造影？", "speciality": "CARDIOLOGY", "title": "attending",
         "summary": "快步行走 200 米出现胸骨后闷痛，休息 3 分钟缓解，近 2 周发作增多。静息心电图 V4～V6 T 波低平。糖尿病 5 年，LDL-C 3.6 mmol/L。", "working_diagnosis": "冠心病？不稳定型心绞痛？"},
        {"opinion": "症状典型且近期加重，合并糖尿病，属中高危，建议行冠状动脉造影。",
         "recommendation": "1. 1 周内收住心内科，完善肌钙蛋白及超声心动图。\n2. 即予阿司匹林、阿托伐他汀 40 mg、美托洛尔，备硝酸甘油。\n3. 静息痛或超过 15 分钟不缓解，立即拨打 120。"},
        ("referral:summary", "consent:patient"), age=(40, 85),
    ),
)  # fmt: skip
