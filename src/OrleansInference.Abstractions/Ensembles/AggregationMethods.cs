using OrleansInference.Tensors;

namespace OrleansInference.Ensembles;

/// <summary>What <see cref="AggregationMethod"/> values can do.</summary>
public static class AggregationMethods
{
    /// <summary>Whether tensors of a datatype can be aggregated so: of integers there are no means, and nothing adds up byte strings.</summary>
    public static bool Supports(this AggregationMethod method, DataType type) => method switch
    {
        AggregationMethod.Mean or AggregationMethod.WeightedMean or AggregationMethod.Median => type.IsFloatingPoint(),
        AggregationMethod.Sum or AggregationMethod.Max or AggregationMethod.Min => type is not (DataType.Bool or DataType.Bytes),
        AggregationMethod.MajorityVote => type is not (DataType.Float16 or DataType.BFloat16),
        _ => true,
    };
}
