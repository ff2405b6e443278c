from hal.simulator.devices.catalogue import BOARDS, METER_CLASSES, METERS, READER_FORMATS, READERS
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings


def test_every_device_of_the_catalogue_can_be_built() -> None:
    assert set(METERS) == set(METER_CLASSES)
    assert set(READERS) == set(READER_FORMATS)
    for board in BOARDS:
        for meter in METERS:
            for reader in READERS:
                assert Plant(default_settings(board=board, meter=meter, reader=reader)).outlets
