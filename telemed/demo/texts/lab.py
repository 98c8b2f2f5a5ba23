"""Laboratory: questions about results, and interpretations that fit the generated panels."""

from telemed.demo.texts.case_text import CaseText

LAB = (
    CaseText(
        "lab/hyperkalaemia",
        {"reason": "血透间期乏力、四肢麻木，血钾显著升高，请判断是否为真性高钾及处理。", "specimen": "blood", "tests": "电解质、肾功能", "history": "慢性肾脏病 5 期，每周透析 3 次。"},
        {"interpretation": "血钾 6.8 mmol/L，达危急值；肌酐 812 μmol/L，标本溶血指数阴性，结果可靠，为真性高钾血症。已电话通知临床并复述确认。"
         "建议立即行心电图检查，按高钾血症流程处理，尽快安排透析，2 小时后复查。"},
        ("lab:hyperkalaemia",), positive=True, critical="Potassium critical", age=(30, 120),
    ),
    CaseText(
        "lab/anaemia",
        {"reason": "面色苍白、活动后心悸 1 个月，月经量多，请协助判断贫血类型。", "specimen": "blood", "tests": "血常规、铁代谢"},
        {"interpretation": "血红蛋白 58 g/L，达危急值；MCV 66 fL，MCH 19 pg，铁蛋白 4 μg/L，符合重度小细胞低色素性贫血，缺铁性贫血可能性大。"
         "建议评估输血指征，查找失血原因，补铁治疗后 2～4 周复查网织红细胞及血红蛋白。"},
        ("lab:anaemia",), positive=True, critical="Haemoglobin critical", sex="female", age=(16, 55),
    ),
    CaseText(
        "lab/thrombocytopenia",
        {"reason": "双下肢散在出血点 3 天，血小板减少，请会诊除外假性减少。", "specimen": "blood", "tests": "血常规、外周血涂片、凝血功能"},
        {"interpretation": "血小板 18×10⁹/L，达危急值；涂片复核未见血小板聚集，除外 EDTA 依赖性假性减少，未见破碎红细胞。凝血四项正常。"
         "考虑免疫性血小板减少可能，建议尽快转血液科进一步检查，避免外伤及抗血小板药物。"},
        ("lab:thrombocytopenia",), positive=True, critical="Platelets critical",
    ),
    CaseText(
        "lab/diabetes",
        {"reason": "体检空腹血糖升高，请判断能否诊断糖尿病。", "specimen": "blood", "tests": "空腹血糖、糖化血红蛋白、血脂"},
        {"interpretation": "空腹血糖 9.4 mmol/L，糖化血红蛋白 7.9%，均达到糖尿病诊断界值；低密度脂蛋白胆固醇 3.9 mmol/L 升高。"
         "如有典型症状可诊断；无症状者建议另日复查确认，并评估心血管危险因素。"},
        ("lab:diabetes",), positive=True, age=(25, 120),
    ),
    CaseText(
        "lab/hepatitis",
        {"reason": "乏力、纳差 1 周，尿色加深，转氨酶升高，请协助分析。", "specimen": "blood", "tests": "肝功能、肝炎病毒标志物"},
        {"interpretation": "ALT 864 U/L，AST 512 U/L，总胆红素 68.4 μmol/L，以直接胆红素为主，符合急性肝细胞损伤。乙肝表面抗原阴性，建议完善甲、戊型肝炎抗体"
         "及自身抗体检查，询问用药史，3 天后复查肝功能及凝血酶原活动度。"},
        ("lab:hepatitis",), positive=True,
    ),
    CaseText(
        "lab/thyroid",
        {"reason": "心悸、怕热、消瘦 2 个月，甲状腺功能异常，请解读。", "specimen": "blood", "tests": "甲状腺功能五项"},
        {"interpretation": "TSH <0.01 mIU/L，FT3 14.2 pmol/L，FT4 46.8 pmol/L，符合甲状腺毒症。建议查 TRAb 明确病因；用药前查血常规及肝功能。"},
        ("lab:thyroid",), positive=True,
    ),
    CaseText(
        "lab/kidney",
        {"reason": "双下肢水肿 1 个月，尿中泡沫增多，请协助判断。", "specimen": "urine", "tests": "尿常规、尿蛋白定量、肾功能"},
        {"interpretation": "尿蛋白 3+，尿蛋白/肌酐比值 4 260 mg/g，血白蛋白 24.1 g/L，总胆固醇 8.6 mmol/L，肌酐 78 μmol/L，符合肾病综合征范围蛋白尿。"
         "建议转肾内科，完善自身抗体、补体及肾活检评估。"},
        ("lab:kidney",), positive=True,
    ),
    CaseText(
        "lab/normal-count",
        {"reason": "上呼吸道感染后复查血常规。", "specimen": "blood", "tests": "血常规"},
        {"interpretation": "白细胞、红细胞、血红蛋白及血小板均在参考区间内，分类计数正常，与上次结果比较恢复正常，无需特殊处理。"},
        ("lab:normal-count",),
    ),
)  # fmt: skip
