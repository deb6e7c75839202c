"""What skin, lips and hair reflect in red, green, blue and at 850 nm.

Skin is a thin absorbing epidermis over a scattering, blood-filled dermis. Sources:

- melanin: absorption 6.6e11 * wavelength^-3.33 per cm inside a melanosome, and its share of the
  epidermis: 1-3 % in lightly, 11-16 % in moderately, 18-43 % in darkly pigmented skin
  (S. L. Jacques, "Skin optics", Oregon Medical Laser Center News, 1998; the same curve in
  C. Donner, H. W. Jensen, "A spectral BSSRDF for shading human skin", EGSR 2006).
- haemoglobin: molar extinction compiled by S. Prahl, "Optical absorption of hemoglobin", OMLC,
  1999; 150 g/l, 64,500 g/mol.
- bloodless tissue: 0.244 + 85.3 exp(-(wavelength - 154) / 66.2) per cm (Jacques 1998).
- scattering of the dermis: 46 * (wavelength / 500)^-1.421 per cm, skin (S. L. Jacques, "Optical
  properties of biological tissues: a review", Phys. Med. Biol. 58, 2013, R37).
- a deep turbid layer reflects exp(-A / sqrt(3 (1 + s'/a))), A about 7 (Jacques 1999, "Diffuse
  reflectance from a semi-infinite medium", OMLC).

With 0.01 to 0.03 melanin this gives about 0.55 to 0.6 at 650 and 850 nm, with 0.3 about 0.2 and
0.4: pigmentation parts people far less at 850 nm than in RGB. The skin patches of the ColorChecker
lie within 0.04 of what it gives for some melanin and blood (tested). Measured spectra of people to
hold it against: C. C. Cooksey, D. W. Allen, B. K. Tsai, J. Res. NIST 122, 2017, article 26.
"""

from __future__ import annotations

import numpy as np

from flexpad.synth.arrays import Floats

WAVELENGTHS = np.array([650.0, 550.0, 450.0, 850.0])  # nm: red, green, blue, near infrared
_OXY = np.array([368.0, 43016.0, 62816.0, 1058.0])  # molar extinction, 1/(cm M)
_DEOXY = np.array([3750.12, 53412.0, 103292.0, 691.32])
_SATURATION = 0.75  # of the blood in capillaries  # inferred
_BLOOD = 2.303 * 150.0 / 64500.0 * (_SATURATION * _OXY + (1 - _SATURATION) * _DEOXY)  # 1/cm
_MELANOSOME = 6.6e11 * WAVELENGTHS**-3.33  # 1/cm
_BASELINE = 0.244 + 85.3 * np.exp(-(WAVELENGTHS - 154.0) / 66.2)  # 1/cm
_WATER = np.array([0.002, 0.0, 0.0, 0.03])  # 1/cm, skin is two thirds water
_SCATTERING = 46.0 * (WAVELENGTHS / 500.0) ** -1.421  # reduced, 1/cm
_EPIDERMIS = 0.006  # cm
_DEPTH_FACTOR = 7.0
SURFACE = 0.022

# Colour filters of a camera overlap: share of 650, 550, 450 nm seen by R, G and B.  # inferred
FILTERS = np.array([[0.80, 0.18, 0.02], [0.16, 0.74, 0.10], [0.04, 0.18, 0.78]])

# Hair (RGB, 850 nm). Eumelanin absorbs less in the infrared, so black hair is not black there;
# values after the look of NIR photographs.  # inferred
HAIR = {
    "black": (0.022, 0.018, 0.016, 0.13),
    "dark brown": (0.055, 0.035, 0.024, 0.20),
    "brown": (0.120, 0.070, 0.040, 0.29),
    "blond": (0.390, 0.270, 0.140, 0.47),
    "red": (0.240, 0.085, 0.035, 0.40),
    "grey": (0.330, 0.320, 0.310, 0.40),
    "white": (0.620, 0.610, 0.590, 0.55),
}
IRIS = {
    "brown": (0.085, 0.042, 0.022),
    "dark brown": (0.040, 0.022, 0.015),
    "hazel": (0.150, 0.105, 0.045),
    "green": (0.130, 0.160, 0.090),
    "blue": (0.150, 0.220, 0.300),
    "grey": (0.210, 0.230, 0.240),
}


def skin_reflectance(melanin: Floats, blood: Floats) -> Floats:
    """Reflect light diffusely from skin.

    Args:
        melanin: Share of the epidermis that is melanosomes, (n,); 0.01 fair to 0.4 dark.
        blood: Share of the dermis that is blood, (n,); about 0.002 pale to 0.05 flushed.

    Returns:
        Reflectance in R, G, B and at 850 nm, (n, 4), before specular reflection.
    """
    melanin, blood = melanin[:, None], blood[:, None]
    epidermis = melanin * _MELANOSOME + (1 - melanin) * _BASELINE
    passes_twice = np.exp(-2 * epidermis * _EPIDERMIS)
    absorption = blood * _BLOOD + (1 - blood) * _BASELINE + _WATER
    dermis = np.exp(-_DEPTH_FACTOR / np.sqrt(3 * (1 + _SCATTERING / absorption)))
    # Rough skin also reflects 4 to 5 % at its surface, about half of it diffusely (Jacques 1999).
    spectrum = SURFACE + (1 - SURFACE) * passes_twice * dermis
    rgb = spectrum[:, :3] @ FILTERS.T
    return np.concatenate([rgb, spectrum[:, 3:]], axis=1).astype(np.float32)
