using System.Runtime.InteropServices;

using OrleansInference.Tensors;

namespace OrleansInference.Client.Routing;

/// <summary>Pure: whether two answers say the same.</summary>
internal static class TensorComparison
{
    /// <param name="left">The outputs of one answer, in any order.</param>
    /// <param name="right">Those of the other.</param>
    /// <param name="tolerance">How far two numbers may lie apart, absolutely. Two NaN are equal.</param>
    public static bool AreEqual(IReadOnlyList<InferenceTensor> left, IReadOnlyList<InferenceTensor> right, double tolerance) =>
        left.Count == right.Count &&
        left.All(tensor => right.FirstOrDefault(other => other.Name == tensor.Name) is { } other && AreEqual(tensor, other, tolerance));

    private static bool AreEqual(InferenceTensor left, InferenceTensor right, double tolerance)
    {
        if (left.DataType != right.DataType || !left.Shape.SequenceEqual(right.Shape)) return false;
        if (left.Data.Span.SequenceEqual(right.Data.Span)) return true;
        return left.DataType switch
        {
            DataType.Float16 => AreNear<Half>(left, right, tolerance, static value => (double)value),
            DataType.BFloat16 => AreNear<ushort>(left, right, tolerance, static value => BFloat16.ToSingle(value)),
            DataType.Float32 => AreNear<float>(left, right, tolerance, static value => value),
            DataType.Float64 => AreNear<double>(left, right, tolerance, static value => value),
            _ => false,
        };
    }

    private static bool AreNear<T>(InferenceTensor left, InferenceTensor right, double tolerance, Func<T, double> toNumber)
        where T : unmanaged
    {
        var some = MemoryMarshal.Cast<byte, T>(left.Data.Span);
        var others = MemoryMarshal.Cast<byte, T>(right.Data.Span);
        for (var i = 0; i < some.Length; i++)
        {
            var (one, other) = (toNumber(some[i]), toNumber(others[i]));
            if (!(one.Equals(other) || Math.Abs(one - other) <= tolerance)) return false;
        }

        return true;
    }
}
