"""The DICOM upper layer for receiving (PS3.8, PS3.7): C-ECHO and C-STORE without a thread or a copy too many."""
