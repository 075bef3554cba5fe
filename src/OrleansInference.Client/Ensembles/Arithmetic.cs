using System.Numerics;
using System.Runtime.InteropServices;

using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Pure: the aggregations that calculate, element by element. NaN takes part as it does in IEEE 754: what it meets becomes NaN.</summary>
internal static class Arithmetic
{
    /// <param name="method">A mean, the sum, the extremes or the median.</param>
    /// <param name="output">The output's name.</param>
    /// <param name="tensors">Tensors of one shape and one datatype, which the method supports.</param>
    /// <param name="weights">Their weights, which count in the weighted mean alone.</param>
    /// <exception cref="OverflowException">A sum of integers does not fit in their datatype.</exception>
    public static InferenceTensor Combine(
        AggregationMethod method, string output, IReadOnlyList<InferenceTensor> tensors, IReadOnlyList<double> weights)
    {
        var type = tensors[0].DataType;
        var data = type switch
        {
            DataType.UInt8 => Combine<byte>(method, tensors, weights),
            DataType.UInt16 => Combine<ushort>(method, tensors, weights),
            DataType.UInt32 => Combine<uint>(method, tensors, weights),
            DataType.UInt64 => Combine<ulong>(method, tensors, weights),
            DataType.Int8 => Combine<sbyte>(method, tensors, weights),
            DataType.Int16 => Combine<short>(method, tensors, weights),
            DataType.Int32 => Combine<int>(method, tensors, weights),
            DataType.Int64 => Combine<long>(method, tensors, weights),
            DataType.Float16 => Combine<Half>(method, tensors, weights),
            DataType.BFloat16 => Narrow(Combine(method, [.. tensors.Select(Widen)], weights)),
            DataType.Float32 => Combine<float>(method, tensors, weights),
            _ => Combine<double>(method, tensors, weights),
        };
        return new(output, type, tensors[0].Shape.ToArray(), data);
    }

    private static byte[] Combine<T>(AggregationMethod method, IReadOnlyList<InferenceTensor> tensors, IReadOnlyList<double> weights)
        where T : unmanaged, INumber<T> =>
        MemoryMarshal.AsBytes<T>(Combine(method, [.. tensors.Select(tensor => tensor.ToArray<T>())], weights)).ToArray();

    private static T[] Combine<T>(AggregationMethod method, T[][] members, IReadOnlyList<double> weights)
        where T : unmanaged, INumber<T>
    {
        var combined = new T[members[0].Length];
        var column = new T[members.Length];
        var total = method == AggregationMethod.WeightedMean ? weights.Sum() : members.Length;
        for (var i = 0; i < combined.Length; i++)
        {
            for (var member = 0; member < members.Length; member++) column[member] = members[member][i];
            combined[i] = method switch
            {
                AggregationMethod.Mean => Mean(column, null, total),
                AggregationMethod.WeightedMean => Mean(column, weights, total),
                AggregationMethod.Sum => Sum(column),
                AggregationMethod.Max => Fold(column, T.Max),
                AggregationMethod.Min => Fold(column, T.Min),
                _ => Median(column),
            };
        }

        return combined;
    }

    /// <summary>Added up as doubles, so that numbers of small datatypes do not run over.</summary>
    private static T Mean<T>(T[] values, IReadOnlyList<double>? weights, double total)
        where T : INumber<T>
    {
        var sum = 0.0;
        for (var i = 0; i < values.Length; i++) sum += double.CreateChecked(values[i]) * (weights?[i] ?? 1);
        return T.CreateSaturating(sum / total);
    }

    private static T Sum<T>(T[] values)
        where T : INumber<T>
    {
        var sum = T.Zero;
        foreach (var value in values) sum = checked(sum + value);
        return sum;
    }

    private static T Fold<T>(T[] values, Func<T, T, T> fold)
    {
        var result = values[0];
        for (var i = 1; i < values.Length; i++) result = fold(result, values[i]);
        return result;
    }

    private static T Median<T>(T[] values)
        where T : INumber<T>
    {
        // NaN sorts before all numbers.
        Array.Sort(values);
        var middle = values.Length / 2;
        if (T.IsNaN(values[0])) return values[0];
        return values.Length % 2 == 1 ? values[middle] : Mean([values[middle - 1], values[middle]], null, 2);
    }

    private static float[] Widen(InferenceTensor tensor)
    {
        var elements = MemoryMarshal.Cast<byte, ushort>(tensor.Data.Span);
        var wide = new float[elements.Length];
        for (var i = 0; i < wide.Length; i++) wide[i] = BFloat16.ToSingle(elements[i]);
        return wide;
    }

    private static byte[] Narrow(float[] wide)
    {
        var data = new byte[wide.Length * sizeof(ushort)];
        var elements = MemoryMarshal.Cast<byte, ushort>(data.AsSpan());
        for (var i = 0; i < wide.Length; i++) elements[i] = BFloat16.FromSingle(wide[i]);
        return data;
    }
}
