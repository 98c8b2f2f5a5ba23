"""The adult head as tables of shapes, in mm from the middle of the skull at the orbitomeatal level, filled with HU.

Proportions are those of an ordinary adult head (skull 138 x 175 mm, lateral ventricles within normal width); CT numbers are
the usual ones: air -1000, fat -100, CSF 5-12, white matter 28-32, grey matter 37-41, muscle 50-60, blood 45-75, bone 300-1500.
"""

from telemed.demo.raster import Ellipsoid, Part, Ribbon, Tube

AIR, FAT, SKIN, MUSCLE, CSF, WHITE, GREY, BLOOD, BONE = -1000.0, -95.0, 35.0, 55.0, 7.0, 28.5, 38.5, 45.0, 1150.0

SKULL_ANGLES = (0, 20, 40, 60, 80, 100, 120, 140, 160, 180)
"""Degrees from the front, the same on both sides; radii below belong to these."""
SKULL_RADII = (86, 84, 77.5, 71, 68.5, 69.5, 74.5, 82, 87.5, 88.5)
SKULL_THICKNESS = (7.5, 6.5, 5.5, 4.2, 3.6, 4.4, 6.0, 7.0, 7.5, 9.5)
SKULL_MIDDLE, SKULL_HEIGHT, SKULL_DEPTH = 38.0, 86.0, 150.0
SCALP = 6.5

FACE_RADII = {  # height of the slice: skin radii at SKULL_ANGLES
    8: (95, 88, 84, 77, 75.5, 76, 81, 88, 93, 95),
    -8: (95, 90, 85.5, 77, 73, 73.5, 78, 85, 90, 92),
    -20: (93, 90, 85, 76, 71, 71, 75, 82, 88, 91),
    -38: (92, 89, 82, 73, 68, 67, 67, 69, 72, 74),
    -62: (90, 86, 76, 67, 62, 61, 61, 62, 65, 67),
}

FACE_BONES = (
    Part(Ellipsoid(0, -84, 21, 22, 6, 13), 900),  # supraorbital part of the frontal bone
    Part(Ellipsoid(26, -77.5, 17, 20, 5, 6, -22), 1000, True),
    Part(Ribbon(((46, -66), (49, -60), (50, -50), (43, -40)), -16, 20, 3.0), 900, True),  # lateral orbital wall
    Part(Ribbon(((43, -40), (34, -31), (22, -27)), -12, 20, 3.0), 800, True),  # greater wing of the sphenoid
    Part(Ellipsoid(47, -62, -16, 7, 9, 10), 900, True),  # zygoma
    Part(Ribbon(((52, -58), (61, -45), (65, -28), (65, -10), (63, 0)), -16, -7, 2.0), 950, True),  # zygomatic arch
    Part(Ribbon(((0, -94), (0, -88)), -10, 8, 4.0), 700),  # nasal bones
    Part(Ellipsoid(0, -26, 4, 24, 26, 14), 350),  # body of the sphenoid
    Part(Ellipsoid(26, -54, -27, 19, 24, 22), 500, True),  # maxilla
    Part(Ellipsoid(0, -62, -48, 20, 22, 3.5), 500),  # hard palate
    Part(Ribbon(((-27, -46), (-24, -66), (-13, -82), (0, -86), (13, -82), (24, -66), (27, -46)), -57, -45, 3.2), 600),
    Part(Ribbon(((14, -20), (17, -30)), -48, -10, 1.6), 600, True),  # pterygoid plates
    Part(Ribbon(((24, -20), (17, -29)), -42, -10, 1.3), 550, True),
    Part(Tube(((50, 1, -6, 4.5), (50, -2, -16, 4.5), (48, -8, -40, 4.0), (47, -12, -70, 5))), 1000, True),  # condyle, neck
    Part(Ribbon(((47, -34), (48, -22), (48, -10), (47, -4)), -70, -26, 3.2), 1000, True),  # ramus
)

TEETH = tuple(
    Part(Ellipsoid(x, y, -58, 3.2, 3.6, 8, angle), 1900, True)
    for x, y, angle in ((4, -86, 0), (11, -84, 20), (17, -80, 35), (21, -74, 55), (24, -67, 75), (26, -58, 80), (27, -49, 85))
)

TEMPORAL_BONES = (
    Part(Tube(((60, 24, 4, 13), (44, 14, 6, 11), (28, 4, 6, 9), (15, -4, 4, 6))), 1150, True),  # petrous pyramid
    Part(Ellipsoid(60, 24, -12, 11, 15, 20), 750, True),  # mastoid
    Part(Ribbon(((66, 2), (70, 8), (70, 20), (66, 36)), -8, 14, 3.0), 1000, True),
    Part(Tube(((0, -12, 17, 4), (0, -6, 6, 7), (0, 2, -12, 7), (0, 9, -27, 5))), 650),  # clivus
    Part(Ribbon(((-9, -13), (0, -11), (9, -13)), 12, 22, 1.6), 800),  # dorsum sellae
    Part(Ellipsoid(9, -26, 21, 3, 4, 4), 850, True),  # anterior clinoid
)

NECK_BONES = (
    Part(Ribbon(((-9, 7), (0, 3), (9, 7)), -46, -36, 3.0), 900),  # anterior arch of the atlas
    Part(Ellipsoid(22, 14, -40, 9, 11, 8), 750, True),  # lateral mass
    Part(Ribbon(((22, 22), (17, 36), (8, 43), (0, 45)), -46, -38, 2.8), 850, True),  # posterior arch
    Part(Ellipsoid(34, 14, -42, 7, 4.5, 4.5), 650, True),
    Part(Tube(((0, 10, -34, 4.0), (0, 10, -46, 5.5), (0, 10, -62, 7))), 850),  # dens
    Part(Ellipsoid(15, 16, -60, 9, 9, 7), 700, True),  # axis
)

NECK_SOFT = (
    Part(Ellipsoid(0, 26, -50, 14, 15, 30), CSF),
    Part(Tube(((0, 25, -25, 6.5), (0, 26, -70, 5.5))), 36),  # spinal cord
    Part(Ellipsoid(0, -12, -42, 24, 10, 34), MUSCLE),  # pharyngeal wall, prevertebral muscles
    Part(Ellipsoid(54, -26, -46, 8, 22, 34), MUSCLE, True),  # masseter
    Part(Ellipsoid(36, -22, -36, 9, 17, 30), MUSCLE, True),  # pterygoids
    Part(Ellipsoid(53, 8, -46, 10, 13, 26), 15, True),  # parotid
    Part(Ellipsoid(12, 56, -46, 9, 12, 26), MUSCLE, True),  # neck muscles
    Part(Ellipsoid(30, 46, -48, 13, 12, 26), MUSCLE, True),
    Part(Ellipsoid(46, 36, -48, 9, 15, 24, -30), MUSCLE, True),
    Part(Ellipsoid(14, 38, -46, 10, 7, 22), MUSCLE, True),
    Part(Ellipsoid(26, -2, -44, 8, 8, 30), MUSCLE, True),
    Part(Ellipsoid(31, 4, -44, 4, 4, 28), BLOOD, True),  # carotid and jugular
)

CHEEK_SOFT = (
    Part(Ellipsoid(38, -74, -34, 13, 5, 16, -30), MUSCLE, True),
    Part(Ellipsoid(58, -18, 12, 5, 24, 26), MUSCLE, True),  # temporalis below the arch
    Part(Tube(((0, -94, -2, 5), (0, -100, -14, 8), (0, -103, -24, 10), (0, -96, -32, 8))), 40),  # nose
    Part(Ellipsoid(8, -96, -25, 7, 8, 7), 35, True),
    Part(Ellipsoid(0, -91, -20, 15, 9, 15), 30),
)

ORBITS = (
    Part(Tube(((32, -66, 0, 19), (27, -50, 2, 14), (18, -34, 6, 5))), FAT, True),  # cone of orbital fat
    Part(Tube(((31, -56, 1, 2.0), (24, -42, 3, 2.0), (17, -32, 6, 2.0))), 38, True),  # optic nerve
    Part(Tube(((44, -62, 1, 1.8), (36, -48, 2, 2.4), (21, -34, 5, 1.5))), 52, True),  # lateral rectus
    Part(Tube(((21, -64, 1, 1.8), (18, -50, 2, 2.4), (16, -36, 5, 1.5))), 52, True),  # medial rectus
    Part(Tube(((31, -62, 11, 1.8), (27, -48, 10, 2.4), (19, -36, 7, 1.5))), 52, True),  # superior rectus
    Part(Tube(((31, -62, -10, 1.8), (27, -48, -8, 2.4), (19, -36, 2, 1.5))), 52, True),  # inferior rectus
    Part(Ellipsoid(32, -68, 1, 12.2, 12.4, 12.2), 45, True),  # sclera
    Part(Ellipsoid(32, -68, 1, 10.9, 11.1, 10.9), 9, True),  # vitreous
    Part(Ellipsoid(32, -76.5, 1, 4.6, 2.1, 4.6), 72, True),  # lens
    Part(Ellipsoid(45, -72, 8, 3, 6, 6, 25), 45, True),  # lacrimal gland
    Part(Ribbon(((19, -83), (32, -87), (46, -80)), -9, 13, 2.4), 35, True),  # lids
)

AIR_SPACES = (
    Part(Ellipsoid(26, -55, -26, 17, 22, 19, 8), AIR, True),  # maxillary sinus
    Part(Ellipsoid(9, -30, 3, 9.5, 13, 9), AIR, True),  # sphenoid sinus
    Part(Ribbon(((6.5, -78), (7.5, -60), (8, -42)), -10, 13, 5.0), AIR, True),  # ethmoid cells
    Part(Ribbon(((6, -84), (6, -60), (8, -36)), -44, -9, 4.5), AIR, True),  # nasal cavity
    Part(Ellipsoid(9, -82, 26, 8, 4.0, 10, 12), AIR, True),  # frontal sinus
    Part(Ellipsoid(0, -26, -34, 13, 8, 16), AIR),  # nasopharynx
    Part(Ellipsoid(0, -24, -58, 11, 6, 14), AIR),  # oropharynx
    Part(Tube(((80, 9, -2, 3.2), (70, 9, -1, 3.4), (58, 8, 0, 3.0))), AIR, True),  # external ear canal
    Part(Ellipsoid(53, 8, 2, 2.6, 5, 6), AIR, True),  # tympanic cavity
)

SINUS_WALLS = (
    Part(Ribbon(((-1, -88), (1, -60), (0, -38)), -44, -4, 1.0), 180),  # nasal septum
    Part(Ribbon(((0, -80), (0, -40)), -8, 14, 1.0), 350),
    Part(Ribbon(((-2, -42), (1, -18)), -6, 12, 0.9), 400),
    Part(Ribbon(((12.5, -78), (13.5, -60), (14, -40)), -8, 16, 0.6), 260, True),  # lamina papyracea
    *(Part(Ribbon(((1, y), (13, y - 3)), -8, 13, 0.5), 250, True) for y in (-72.0, -64.0, -55.0, -47.0)),
    Part(Ribbon(((0, -88), (0, -78)), 18, 36, 0.7), 600),
    Part(Tube(((8, -76, -32, 3.5), (8, -60, -32, 4), (9, -44, -32, 3))), 50, True),  # inferior turbinate
    Part(Tube(((6, -70, -18, 2.2), (7, -56, -18, 2.6), (8, -44, -18, 2))), 50, True),  # middle turbinate
    Part(Ellipsoid(53.5, 9, 3, 1.2, 1.8, 2.5), 900, True),  # ossicles
    Part(Ellipsoid(37, 10, 5, 1.6, 1.6, 2.5), 150, True),  # cochlea
    Part(Ellipsoid(42, 15, 6, 1.4, 2.6, 2.5), 150, True),  # vestibule
    Part(Tube(((34, 13, 5, 2.3), (25, 11, 5, 2.6), (20, 11, 5, 2.8))), 20, True),  # internal auditory canal
)

EARS = (
    Part(Ribbon(((74, 4), (81, 9), (85, 18), (83, 25), (78, 24)), -26, 18, 1.7), 20, True),
    Part(Ribbon(((77, 14), (80, 19), (78, 25)), -20, 14, 1.4), 15, True),
)

CISTERNS = (
    Part(Ellipsoid(0, -11, 24, 14, 10, 8), CSF),  # suprasellar
    Part(Ribbon(((-22, -20), (0, -14), (22, -20)), 20, 28, 2.0), CSF),
    Part(Ellipsoid(0, 8, 28, 18, 15.5, 9), CSF),  # ambient, interpeduncular
    Part(Ribbon(((-15, 20), (0, 27), (15, 20)), 26, 36, 2.6), CSF),  # quadrigeminal
    Part(Ellipsoid(0, 8, 6, 20, 13, 16), CSF),  # prepontine and pontocerebellar angle
    Part(Tube(((27, 10, 5, 3.5), (17, 8, 4, 4.5))), CSF, True),
    Part(Ellipsoid(0, 10, -18, 14, 9, 14), CSF),
    Part(Ellipsoid(0, 56, -22, 7, 9, 7), CSF),  # cisterna magna
    Part(Ellipsoid(0, 42, 40, 5, 10, 5), CSF),  # superior cerebellar
)

BRAINSTEM = (
    Part(Tube(((6, 4, 30, 9.5), (4, 8, 22, 11))), 34, True),  # midbrain, peduncles
    Part(Ellipsoid(0, 14, 30, 12, 9, 9), 35),  # tectum
    Part(Ellipsoid(0, 2, 30, 3.5, 4, 7), CSF),  # interpeduncular fossa
    Part(Ellipsoid(0, 11, 8, 17, 13, 15), 32),  # pons
    Part(Tube(((18, 22, 7, 8), (30, 30, 4, 8))), 34, True),  # middle cerebellar peduncle
    Part(Tube(((0, 16, -4, 9.5), (0, 19, -16, 8.0), (0, 24, -30, 6.5))), 33),  # medulla
    Part(Ellipsoid(0, 29, 6, 9, 4.5, 12), CSF + 2),  # fourth ventricle
    Part(Ellipsoid(0, 33, 6, 4, 5, 8), CSF + 2),
    Part(Ellipsoid(0, 19, 30, 1.3, 1.3, 9), 10),  # aqueduct
)

DEEP_GREY = (
    Part(Ellipsoid(15, -16, 50, 6, 10, 15, -14), GREY + 1, True),  # head of the caudate
    Part(Tube(((15, -10, 60, 4.0), (19, 8, 64, 2.8), (21, 20, 58, 2.0))), GREY, True),  # its body
    Part(Ellipsoid(25.5, 0, 47, 7, 16, 12, -10), GREY + 1.5, True),  # putamen
    Part(Ellipsoid(18.5, 2, 45, 4.5, 9, 8, -22), GREY - 1.5, True),  # globus pallidus
    Part(Ellipsoid(11, 15, 50, 8.5, 14, 11, 24), GREY + 0.5, True),  # thalamus
    Part(Ribbon(((34.5, -15), (36, 0), (34.5, 17)), 38, 58, 0.9), GREY, True),  # claustrum
)

VENTRICLES = (
    Part(Ellipsoid(0, 5, 44, 2.3, 12, 9), CSF),  # third
    Part(Tube(((13, -33, 50, 2.6), (9.5, -24, 53, 4.2), (6, -13, 57, 3.8), (4, -6, 56, 2.6))), CSF, True),  # frontal horn
    Part(Tube(((6, -13, 60, 3.4), (8.5, 0, 66, 4.2), (12, 14, 66, 4.6), (18, 26, 60, 5.5))), CSF, True),  # body
    Part(Tube(((18, 26, 60, 5.5), (23, 31, 51, 6.5), (24, 38, 46, 4.2), (20, 50, 44, 2.2))), CSF, True),  # atrium, occipital
    Part(Tube(((24, 31, 49, 5), (31, 22, 37, 2.2), (32, 8, 27, 1.8), (29, -3, 22, 1.6))), CSF, True),  # temporal horn
)

SYLVIAN = (
    Part(
        Ribbon(
            ((67, -15), (61, -14), (55, -17.5), (48, -14), (42, -19), (38.6, -12), (40.4, -4), (38.6, 4), (41, 11), (44, 17)), 34, 54, 1.0
        ),
        CSF,
        True,
    ),
    Part(Ribbon(((66, -18), (52, -22), (40, -21), (28, -17), (17, -15)), 25, 34, 1.1), CSF, True),
    Part(Ribbon(((64, 4), (58, 9), (51, 10), (45, 16)), 50, 60, 0.9), CSF, True),
)

MIDLINE = (
    Part(Ribbon(((0, -84), (0.4, -55), (0, -30)), 26, 48, 1.5), CSF),
    Part(Ribbon(((0, -84), (0.4, -60), (0, -42)), 48, 68, 1.5), CSF),
    Part(Ribbon(((0, 42), (0, 86)), 46, 68, 1.2), CSF),
    Part(Ribbon(((0, -90), (0.5, -30), (-0.4, 30), (0, 92)), 78, 130, 1.6), CSF),
    Part(Ribbon(((0, -86), (0.4, -48)), 32, 68, 0.55), 58),  # falx
    Part(Ribbon(((0, 46), (0, 86)), 46, 72, 0.6), 58),
    Part(Ribbon(((0, -86), (0.5, -30), (-0.4, 30), (0, 88)), 70, 132, 0.6), 60),
    Part(Tube(((0, 82, 18, 3.6), (0, 83, 40, 3.4), (0, 80, 68, 3.2), (0, 66, 94, 3.2), (0, 40, 110, 3.0))), 54),  # sagittal sinus
    Part(Tube(((0, 80, 20, 3.4), (32, 74, 17, 3.2), (54, 50, 15, 3.4), (58, 34, 8, 3.8))), 52, True),  # transverse sinus
    Part(Tube(((0, 28, 44, 1.5), (0, 55, 38, 1.6), (0, 78, 24, 1.8))), 54),  # straight sinus
)

VESSELS = (
    Part(Tube(((0, -2.5, -4, 1.6), (0.6, -4, 10, 1.7), (0, -3, 19, 1.6))), 52),  # basilar artery
    Part(Tube(((12, -16, 14, 2.2), (10, -16, 24, 2.0))), 50, True),  # internal carotid
    Part(Tube(((10, -16, 25, 1.5), (24, -17, 27, 1.3), (38, -19, 29, 1.1))), 48, True),  # middle cerebral
    Part(Tube(((2, -20, 26, 1.1), (1.2, -34, 34, 1.0), (1.2, -42, 50, 0.9))), 46, True),  # anterior cerebral
)

CALCIFICATIONS = (
    Part(Ellipsoid(0.4, 21, 43, 2.3, 2.6, 3.0), 240),  # pineal
    Part(Ellipsoid(22.5, 32, 50, 2.6, 2.6, 2.6), 100),  # choroid plexus
    Part(Ellipsoid(-22, 33, 50, 2.0, 2.4, 2.4), 80),
    Part(Ellipsoid(0.6, -62, 62, 0.9, 5, 4), 260),  # falx
)
