using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore;
using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Tensors;

using DefaultHttpContext = Microsoft.AspNetCore.Http.DefaultHttpContext;

namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>Reading requests and writing answers, without a server around it.</summary>
internal static class ProtocolPieces
{
    private const int MaxBytes = 1024 * 1024;

    private static readonly ModelDescriptor Model = new()
    {
        Id = new("mlp", 1),
        Platform = "pytorch_libtorch",
        MaxBatchSize = 64,
        Inputs = [new() { Name = "INPUT0", DataType = DataType.Float32, Shape = [-1, 784] }],
        Outputs = [new() { Name = "OUTPUT0", DataType = DataType.Float32, Shape = [-1, -1] }],
        Configuration = "{}",
    };

    public static IReadOnlyList<HotPiece> All { get; } =
    [
        new("parse JSON, 784 FP32", AllocationBudgets.ParseJson784, Parse(784)),
        new("format JSON, 10 FP32", AllocationBudgets.FormatJson10, Write(10, binary: false)),
        new("format JSON, 784 FP32", AllocationBudgets.FormatJson784, Write(784, binary: false)),
        new("read binary request, 784 FP32", AllocationBudgets.ReadBinary784, ReadBinary(784)),
        new("write binary answer, 784 FP32", AllocationBudgets.WriteBinary784, Write(784, binary: true)),
    ];

    private static Func<Task> Parse(int elements)
    {
        var numbers = string.Join(',', Numbers(elements).Select(number => number.ToString("R", CultureInfo.InvariantCulture)));
        var json = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(
            $$"""{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,{{elements}}],"data":[{{numbers}}]}]}"""));
        return () =>
        {
            InferJsonReader.Read(json, ReadOnlySequence<byte>.Empty, MaxBytes, Model);
            return Task.CompletedTask;
        };
    }

    private static Func<Task> ReadBinary(int elements)
    {
        var blob = MemoryMarshal.AsBytes(Numbers(elements).AsSpan());
        var json = Encoding.UTF8.GetBytes(
            $$$"""{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,{{{elements}}}],"parameters":{"binary_data_size":{{{blob.Length}}}}}],"parameters":{"binary_data_output":true}}""");
        byte[] body = [.. json, .. blob];
        var context = new DefaultHttpContext();
        context.Features.Set<IRequestBodyPipeFeature>(new FixedPipeReader(body));
        context.Request.ContentLength = body.Length;
        context.Request.Headers[InferRequestReader.HeaderLength] = json.Length.ToString(CultureInfo.InvariantCulture);
        var memory = new RequestMemory(Options.Create(new FrontDoorOptions()));
        return () =>
        {
            var read = InferRequestReader.ReadAsync(context, Model, memory, MaxBytes);
            return read.IsCompletedSuccessfully ? Task.CompletedTask : read.AsTask();
        };
    }

    private static Func<Task> Write(int elements, bool binary)
    {
        var response = new InferenceResponse { Model = Model.Id, Outputs = [InferenceTensor.Create("OUTPUT0", Numbers(elements), 1, elements)] };
        var call = new InferCall(null, [], [], new() { BinaryOutputs = binary });
        var body = new FixedPipeWriter(64 * 1024);
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseBodyFeature>(body);
        return () =>
        {
            body.Clear();
            return InferResponseWriter.WriteAsync(context.Response, call, response, Model, CancellationToken.None);
        };
    }

    private static float[] Numbers(int count)
    {
        var random = new Random(20);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
    }
}
