"""How the browser writes places: longitudes and latitudes on axes and under the pointer, as its own script.

`INVERSE` is `app.projection.Projection.inverse` once more, for one point at a time.
"""

from __future__ import annotations

__all__ = ["INVERSE", "LATITUDE", "LONGITUDE", "inverse_args"]

from app.projection import Projection

LONGITUDE = "const v = ((tick + lon0 + 540) % 360) - 180; const a = Math.abs(v); const t = +a.toFixed(2);" \
       " return a === 0 || a === 180 ? t + '°' : t + (v < 0 ? '°W' : '°E')"  # fmt: skip
LATITUDE = "const t = +Math.abs(tick).toFixed(2); return tick === 0 ? '0°' : t + (tick < 0 ? '°S' : '°N')"
INVERSE = """
const x = special_vars.x, y = special_vars.y, deg = 180 / Math.PI
let lon = x, lat = y
if (name === "mollweide") {
  const t = Math.asin(Math.max(-1, Math.min(1, y / 90)))
  lat = Math.asin((2 * t + Math.sin(2 * t)) / Math.PI) * deg
  lon = x / Math.cos(t)
} else if (name === "globe") {
  const u = x / 90, v = y / 90, w = Math.sqrt(Math.max(0, 1 - u * u - v * v)), p = lat0 / deg
  lat = Math.asin(w * Math.sin(p) + v * Math.cos(p)) * deg
  lon = Math.atan2(u, w * Math.cos(p) - v * Math.sin(p)) * deg
}
lon = ((lon + lon0 + 540) % 360 + 360) % 360 - 180
const north = Math.abs(lat).toFixed(2) + (lat < 0 ? "°S" : "°N")
return north + "  " + Math.abs(lon).toFixed(2) + (lon < 0 ? "°W" : "°E")
"""


def inverse_args(projection: Projection) -> dict[str, object]:
    """What `INVERSE` has to know of a projection."""
    return {"name": projection.name, "lon0": projection.lon0, "lat0": projection.lat0}
