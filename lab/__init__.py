"""Laboratory: messages of systems and analysers read and written, and the rules that results are judged by.

    lab.hl7          HL7 v2: parse(bytes), read(message), acknowledge, write_results, write_order, write_shipment
    lab.mllp         MLLP blocks out of a stream of bytes
    lab.astm         ASTM E1381/E1394 (LIS1-A, LIS2-A2) of analysers that know no HL7
    lab.instruments  profiles: what is particular about an analyser, as TOML
    lab.sheets       results in CSV, XLSX and XLS
    lab.catalogue    tests by WS/T 886-2026 and LOINC
    lab.units        canonical units and conversion
    lab.ranges       reference ranges by age, sex and method; flags
    lab.critical     critical values
    lab.westgard     control rules
    lab.temperature  logs of boxes on the road
    lab.recognition  mutual recognition between institutions

Nothing here opens a connection or a database. What cannot be read raises an error of `lab.errors`, with the reason in plain words; what
was sent is always kept beside what was read. `python -m lab parse|check|bench FILE|-` does the same from a shell.
"""
