using System.Text;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Requests that are almost right, in thousands of ways, the same ones on every run.</summary>
public sealed class MutationTests
{
    private const string Json =
        """
        {"id":"a\u0041","parameters":{"timeout":1500,"binary_data_output":true,"x":null},"inputs":[
        {"name":"A","shape":[2,2],"datatype":"FP32","data":[[1,-2.5e1],[3,4]]},{"data":["ü","\ud83d\ude00"],"name":"B","shape":[2],"datatype":"BYTES"},
        {"name":"C","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}],"outputs":[{"name":"D","parameters":{"classification":2}}]}
        """;

    private static readonly byte[] Original = Encoding.UTF8.GetBytes(Json);

    private static readonly byte[] Blob = [1, 0, 0, 0, 0x61];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_request_changed_at_random_is_read_or_refused_with_a_reason(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 2000; round++)
        {
            var body = Mutate(random);
            try
            {
                InferJsonReader.Read(new(body), new(Blob), 4096, "m");
            }
            catch (InferenceException exception)
            {
                Assert.True(exception.Error is InferenceError.InvalidArgument or InferenceError.TooLarge, exception.ToString());
                Assert.NotEmpty(exception.Message);
            }
            catch (ArgumentException exception)
            {
                // Tensors check themselves; nothing else may end so.
                Assert.True(exception.GetType() == typeof(ArgumentException), exception.ToString());
                Assert.Matches("^(Tensor|Shape)", exception.Message);
            }
        }
    }

    private static byte[] Mutate(Random random)
    {
        ReadOnlySpan<byte> interesting = "{}[]\",:\\0-9.eEtnu\0\u007f"u8;
        var body = Original.ToList();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var place = random.Next(body.Count);
            var value = random.Next(2) == 0 ? (byte)random.Next(256) : interesting[random.Next(interesting.Length)];
            switch (random.Next(4))
            {
                case 0:
                    body[place] = value;
                    break;
                case 1:
                    body.Insert(place, value);
                    break;
                case 2:
                    body.RemoveRange(place, Math.Min(random.Next(1, 20), body.Count - place));
                    break;
                default:
                    body.InsertRange(random.Next(body.Count), body.GetRange(place, Math.Min(random.Next(1, 30), body.Count - place)));
                    break;
            }
        }

        return [.. body];
    }
}
