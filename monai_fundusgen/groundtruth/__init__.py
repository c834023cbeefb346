"""Artery/vein truth from fluorescein angiography: frames registered to a photograph, merged, and labelled."""
