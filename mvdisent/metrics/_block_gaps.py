"""Gaps between the blocks: what a factor's own block tells of it, less what the other tells."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from .. import _checks
from .._arrays import kind_of
from .._blocks import block_columns

_OTHER = {"private": "shared", "shared": "private"}


def mutual_info_gap(mi: pd.DataFrame, own: Mapping[str, str]) -> pd.DataFrame:
    """Compare what the private and the shared block tell of each factor, in nats.

    Parameters
    ----------
    mi : DataFrame of shape (n_factors, n_latents)
        As :func:`mutual_info_matrix` returns it. Its columns are named by
        block, ``private_0 ... shared_7``, as in
        ``model.get_feature_names_out()``.
    own : dict of str to {"private", "shared"}
        The block that each factor belongs in, such as
        ``{"timbre": "shared", "frequency": "private"}``. Rows of ``mi`` that
        are not named here are left out.

    Returns
    -------
    gap : DataFrame of shape (n_factors, 3)
        Columns ``"own"`` and ``"other"``, the sums over the dimensions of the
        two blocks, and ``"gap"``, their difference: positive where the factor's
        own block tells more of it. In nats.

    Raises
    ------
    ValueError
        If a factor is no row of ``mi``, or a block no part of its columns.

    See Also
    --------
    mutual_info_gap_score : The mean gap, one number.
    probe_gap : The gap by probes, which see a block as a whole.

    Notes
    -----
    The sum counts what two dimensions both tell twice, so it may exceed the
    factor's entropy. Each dimension adds the positive bias of its estimate.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.metrics import mutual_info_gap
    >>> mi = pd.DataFrame(
    ...     [[0.0, 0.5, 1.0], [2.0, 0.0, 0.5]],
    ...     index=["timbre", "frequency"],
    ...     columns=["private_0", "shared_0", "shared_1"],
    ... )
    >>> mutual_info_gap(mi, {"timbre": "shared", "frequency": "private"})
               own  other  gap
    timbre     1.5    0.0  1.5
    frequency  2.0    0.5  1.5
    """
    _check_table("mi", mi, "mutual_info_matrix")
    _check_own(own, mi.index, "a row of mi")
    columns = block_columns(list(mi.columns))
    for block in _OTHER:
        if block not in columns:
            raise ValueError(
                f"mi has no column of the {block} block among {list(mi.columns)}: name the "
                f"dimensions {block}_0, {block}_1, ... by mutual_info_matrix(feature_names=...)"
            )
    sums = pd.DataFrame({block: mi.iloc[:, columns[block]].sum(axis=1) for block in _OTHER})
    rows = {
        factor: (sums.loc[factor, block], sums.loc[factor, _OTHER[block]])
        for factor, block in own.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["own", "other"])
    return table.assign(gap=table["own"] - table["other"])


def mutual_info_gap_score(mi: pd.DataFrame, own: Mapping[str, str]) -> float:
    """Average the mutual information gap over the factors.

    Parameters
    ----------
    mi : DataFrame of shape (n_factors, n_latents)
        As :func:`mutual_info_matrix` returns it, its columns named by block.
    own : dict of str to {"private", "shared"}
        The block that each factor belongs in; other rows of ``mi`` are left out.

    Returns
    -------
    score : float
        In nats, of either sign: how much more a factor is told by its own block
        than by the other, on average.

    Raises
    ------
    ValueError
        If a factor is no row of ``mi``, or a block no part of its columns.

    See Also
    --------
    mutual_info_gap : Factor by factor.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.metrics import mutual_info_gap_score
    >>> mi = pd.DataFrame([[0.2, 1.0]], ["timbre"], ["private_0", "shared_0"])
    >>> mutual_info_gap_score(mi, {"timbre": "shared"})
    0.8
    """
    return float(mutual_info_gap(mi, own)["gap"].mean())


def probe_gap(table: pd.DataFrame, own: Mapping[str, str]) -> pd.DataFrame:
    """Compare what probes read of each factor in the private and in the shared block.

    Parameters
    ----------
    table : DataFrame of shape (n_blocks + 1 or 2, n_factors)
        As :func:`probe_table` returns it, with the rows ``"private"``,
        ``"shared"``, ``"chance"`` and perhaps ``"ceiling"``. Others, such as
        one for both blocks together, are left out.
    own : dict of str to {"private", "shared"}
        The block that each factor belongs in, such as
        ``{"timbre": "shared", "frequency": "private"}``. Columns of the table
        that are not named here are left out.

    Returns
    -------
    gap : DataFrame of shape (n_factors, 3)
        Columns ``"informativeness"``, the score of the factor's own block, and
        ``"leakage"``, that of the other, both rescaled so that 0 is chance and
        1 the ceiling; and ``"gap"``, their difference. A score below chance
        counts as chance. Without a row ``"ceiling"`` it is a score of 1.

    Raises
    ------
    ValueError
        If a row or column is missing, or the ceiling of a factor is not above
        chance.

    See Also
    --------
    probe_gap_score : The mean gap, one number.
    mutual_info_gap : The gap in nats, summed over single dimensions.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.metrics import probe_gap
    >>> table = pd.DataFrame(
    ...     {"timbre": [0.35, 0.85, 0.25]}, index=["private", "shared", "chance"]
    ... )
    >>> probe_gap(table, {"timbre": "shared"}).round(2)
            informativeness  leakage   gap
    timbre              0.8     0.13  0.67
    """
    _check_table("table", table, "probe_table")
    _check_own(own, table.columns, "a column of the table")
    for row in ("private", "shared", "chance"):
        if row not in table.index:
            raise ValueError(
                f"the table has no row {row!r}, only {list(table.index)}: pass what "
                "probe_table({'private': ..., 'shared': ...}, ...) returns"
            )
    rows = {}
    for factor, block in own.items():
        scores = table[factor]
        chance, ceiling = scores["chance"], scores.get("ceiling", 1.0)
        if not ceiling > chance:
            raise ValueError(
                f"the ceiling of {factor!r}, {ceiling:.3g}, is not above chance, {chance:.3g}: "
                "leave the factor out of own, or probe a better reference"
            )
        pair = scores[[block, _OTHER[block]]].clip(lower=chance)
        rows[factor] = ((pair - chance) / (ceiling - chance)).tolist()
    gaps = pd.DataFrame.from_dict(rows, orient="index", columns=["informativeness", "leakage"])
    return gaps.assign(gap=gaps["informativeness"] - gaps["leakage"])


def probe_gap_score(table: pd.DataFrame, own: Mapping[str, str]) -> float:
    """Average the probe gap over the factors.

    Parameters
    ----------
    table : DataFrame of shape (n_blocks + 1 or 2, n_factors)
        As :func:`probe_table` returns it, with blocks private and shared.
    own : dict of str to {"private", "shared"}
        The block that each factor belongs in; other columns are left out.

    Returns
    -------
    score : float
        1: each factor is read from its own block as well as from the reference,
        and not at all from the other block. 0: both blocks tell as much. -1:
        the blocks are exchanged.

    Raises
    ------
    ValueError
        If a row or column is missing, or the ceiling of a factor is not above
        chance.

    See Also
    --------
    probe_gap : Factor by factor.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.metrics import probe_gap_score
    >>> table = pd.DataFrame({"f": [0.25, 1.0, 0.25]}, index=["private", "shared", "chance"])
    >>> probe_gap_score(table, {"f": "shared"})
    1.0
    """
    return float(probe_gap(table, own)["gap"].mean())


def _check_table(name: str, table: object, source: str) -> None:
    """Refuse what is no table of finite numbers, each row and column named once."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{name} is of type {kind_of(table)}; pass the DataFrame that {source} returns"
        )
    for axis, names in (("row", table.index), ("column", table.columns)):
        if not names.is_unique:
            twice = names[names.duplicated()][0]
            raise ValueError(f"{name} has two {axis}s {twice!r}: drop or rename one")
    if table.size:
        _checks.as_features(table, name)


def _check_own(own: Mapping[str, str], names: pd.Index, what: str) -> None:
    if not isinstance(own, Mapping) or not own:
        raise TypeError(
            f"own={own!r:.60}; pass a dict {{factor: block}} of one factor or more, such as "
            "{'timbre': 'shared', 'frequency': 'private'}"
        )
    for factor, block in own.items():
        _checks.check_option(f"own[{factor!r}]", block, tuple(_OTHER))
        if factor not in names:
            raise ValueError(f"own names {factor!r}, not {what}: pass one of {list(names)}")
