"""The allow-list of tree nodes. A node that is not on it makes its statement opaque, whatever else was understood."""

from __future__ import annotations

from functools import cache

from sqlglot import exp

# Families of nodes that only compute: operators, functions (by name elsewhere), column constraints, table properties.
_FAMILIES: tuple[type, ...] = (exp.Func, exp.Binary, exp.Unary, exp.Property, exp.ColumnConstraintKind)

_PLAIN = frozenset(
    """
    Add AddConstraint Alias Aliases All Alter AlterColumn AlterDistStyle AlterIndex AlterRename AlterSortKey Analyze AnalyzeColumns AnalyzeHistogram
    AnalyzeSample AnalyzeStatistics AnalyzeWith Any AtIndex AtTimeZone Attach Between BitString Boolean Bracket ByteString CTE Cache CharacterSet Check Clone
    Cluster Column ColumnConstraint ColumnDef ColumnPosition ColumnPrefix Comment Commit Comprehension Connect Constraint Copy CopyParameter Create Credentials
    Cube DataType DataTypeParam Declare DeclareItem Delete Describe Detach Directory Distinct Distribute Drop DropPartition DropPrimaryKey Except Expression
    Fetch Filter Final ForClause ForIn ForeignKey FormatJson FormatPhrase From FromTimeZone Grant GrantPrincipal GrantPrivilege Group GroupingSets Having
    HavingMax Heredoc HexString Hint HistoricalData Identifier IgnoreNulls In Index IndexColumnConstraint IndexConstraintOption IndexParameters IndexTableHint
    InputOutputFormat Insert Intersect Interval IntervalSpan Into Introducer JSON JSONColumnDef JSONExtractQuote JSONKeyValue JSONPath JSONPathFilter JSONPathKey
    JSONPathPart JSONPathRecursive JSONPathRoot JSONPathScript JSONPathSelector JSONPathSlice JSONPathSubscript JSONPathUnion JSONPathWildcard JSONSchema
    JSONValue Join JoinHint Lambda Lateral Limit LimitOptions Literal Lock MatchRecognize MatchRecognizeMeasure Merge ModifyColumn National Null
    ObjectIdentifier Offset OnCondition OnConflict Opclass OpenJSONColumnDef Order Ordered OverflowTruncateBehavior Parameter Partition PartitionBoundSpec
    PartitionByRangePropertyDynamic PartitionId PartitionList PartitionRange Per Pivot PivotAlias PivotAny Placeholder PositionalColumn Pragma PreWhere
    PrimaryKey Prior ProjectionDef Properties Pseudocolumn PseudoType Qualify QueryOption QueryTransform RawString RecursiveWithSearch Reference
    Refresh RenameColumn RenameIndex RespectNulls Returning Revoke Rollback Rollup SampleSize Schema ScopeResolution Select Semicolon SequenceProperties
    SessionParameter Set SetItem SetOperation Show SkipJSONColumn Slice Sort Star Stream Subquery Summarize SwapTable Table TableAlias TableColumn TableFromRows
    TableSample Tag Transaction TriggerEvent TriggerExecute TriggerProperties TriggerReferencing TruncateTable Tuple Uncache UnicodeString Union UnpivotColumns
    Undrop Update Use UserDefinedFunction Values Var Variadic Version WatermarkColumnConstraint When Whens Where Window WindowSpec With WithFill
    WithOperator WithTableHint WithinGroup XMLKeyValueOption XMLNamespace ZeroFillColumnConstraint
    """.split()  # noqa: SIM905 - a list of two hundred names reads better as a text
)
# Functions that the library has classes for and that are more than a computation.
_FUNCTIONS_THAT_REACH_OUT = frozenset(
    """
    ReadCSV ReadParquet ToFile AIAgg AISummarizeAgg AIClassify AIEmbed AISimilarity AIGenerate AIForecast MLForecast MLTranslate Predict XMLTable
    """.split()  # noqa: SIM905
)


@cache
def _allowed(kind: type[exp.Expression]) -> bool:
    if kind.__name__ in _FUNCTIONS_THAT_REACH_OUT:
        return False
    return kind.__name__ in _PLAIN or issubclass(kind, _FAMILIES)


def unknown_node(tree: exp.Expression, limit: int) -> str:
    """The name of a node in the tree that is not on the list, "" when all are. More than `limit` nodes are unknown too."""
    for count, node in enumerate(tree.walk()):
        if count > limit:
            return "too large"
        if not _allowed(type(node)):
            return type(node).__name__
    return ""
